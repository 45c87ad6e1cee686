"""What passwords are too easy; no database."""

import pytest
from pydantic import TypeAdapter, ValidationError

from services.identity.domain.password import CommonPassword, must_be_uncommon
from services.identity.schemas.fields import NewPassword

ABOUT = ("gwendolyn.okafor@example.com", "Gwendolyn Okafor")


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P@ssw0rd2024!",
        "123456789012",
        "987654321012",
        "qwertyuiop12",
        "1qaz2wsx3edc",
        "aaaaaaaaaaaa",
        "ababababababab",
        "iloveyou-iloveyou",
        "letmeinplease!",
        "abcdefghijklm",
        "MobileDetailHub1",
        "Gwendolyn2024",
        "okafor-okafor-1",
        "correcthorsebatterystaple",
        "Welcome.Welcome.1",
        "zxcvbnm,./asdfghjkl",
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(CommonPassword):
        must_be_uncommon(password, about=ABOUT)


@pytest.mark.parametrize(
    "password",
    [
        "olive-Gantry-58-sill",
        "vK9#tq2Lw!xZ",
        "quarry lantern mustard hinge",
        "password-k7Gq2xPn",
        "wachtwoord voor de schuur",
        "пароль-нигде-записан",
        "294051738264",
        "🦫🦫🪵🪵river🌊🌊dam",
    ],
)
def test_what_has_enough_of_its_own_is_accepted(password: str) -> None:
    must_be_uncommon(password, about=ABOUT)


def test_letters_that_are_another_form_of_the_same_are_judged_as_the_same() -> None:
    with pytest.raises(CommonPassword):
        must_be_uncommon("".join(chr(ord(letter) + 0xFEE0) for letter in "password123456"))  # full-width


@pytest.mark.parametrize("password", ["e\u0301" * 6 + "xyzzy", "ﬃ" * 43])
def test_a_password_is_as_long_as_it_is_when_composed(password: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(NewPassword).validate_python(password)
    assert TypeAdapter(NewPassword).validate_python("ﬃ" * 4) == "ffi" * 4
