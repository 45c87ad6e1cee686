"""What identity tells: people, who works for whom, and whose tokens end before their time."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from shared.contracts.personal import DataErased, DataExported
from shared.events import CONTRACTS, PERSONAL, Event


class UserEvent(Event, aggregate="user", person="user_id"):
    """A person with an account. `customer_id` is set for customers; `locale` is BCP 47, `timezone` IANA."""

    user_id: int
    customer_id: int | None = None
    email: Annotated[str, PERSONAL]
    full_name: Annotated[str, PERSONAL]
    locale: str
    timezone: str


class UserRegistered(UserEvent, type="identity.user_registered.v1"):
    """Somebody has an account, and reads the address of it: before that, nobody is told of them."""

    phone: Annotated[str | None, PERSONAL] = None


class UserChanged(UserEvent, type="identity.user_changed.v1"):
    """How to reach and address somebody, as it is now; customers may have a `phone` (E.164)."""

    phone: Annotated[str | None, PERSONAL] = None


class ConsentChanged(Event, aggregate="marketing_consent", type="identity.consent_changed.v1"):
    """Whether a customer wants to hear of offers, by which channel, as it stands now."""

    marketing_consent_id: int
    customer_id: int
    user_id: int
    email: bool
    sms: bool


class EndsTokens(Event):
    """Access tokens of `user_id` issued before `tokens_end_at` are no longer good.

    Of one session only, if `session` is named; of one API key only, if `api_key` is.
    """

    user_id: int
    tokens_end_at: datetime
    session: UUID | None = None
    api_key: int | None = None

    @property
    def ended(self) -> str:
        """Whose tokens, as `shared.auth.subjects_of` names them."""
        if self.session:
            return f"session:{self.session}"
        return f"key:{self.api_key}" if self.api_key else f"user:{self.user_id}"


class UserSuspended(UserEvent, EndsTokens, type="identity.user_suspended.v1"):
    """By the platform's staff; `reason` is for the person."""

    reason: Annotated[str, PERSONAL]


class UserReinstated(UserEvent, type="identity.user_reinstated.v1"):
    pass


class UserRoleChanged(UserEvent, EndsTokens, type="identity.user_role_changed.v1"):
    """By an administrator: to the platform a user is now `role`: customer, affiliate, support or admin."""

    role: str
    reason: Annotated[str, PERSONAL]


class UserLookedUp(Event, aggregate="lookup", type="identity.user_looked_up.v1"):
    """Somebody of the staff read what is known of a user."""

    lookup_id: int
    user_id: int
    staff_id: int


class UserClosed(UserEvent, EndsTokens, type="identity.user_closed.v1"):
    """The account was closed by its owner; its data stays until it is erased."""


class PersonalDataExported(DataExported, type="identity.personal_data_exported.v1"):
    pass


class PersonalDataErased(DataErased, type="identity.personal_data_erased.v1"):
    pass


class ExportRequested(Event, aggregate="export", type="identity.export_requested.v1"):
    """A person wants to have what is held of them: every service tells its part."""

    export_id: int
    user_id: int
    customer_id: int | None = None


class ExportReady(Event, aggregate="export", person="user_id", type="identity.export_ready.v1"):
    """All parts are there, and can be fetched by `secret` until `expires_at`."""

    export_id: int
    user_id: int
    email: Annotated[str, PERSONAL]
    full_name: Annotated[str, PERSONAL]
    timezone: str
    secret: Annotated[str, PERSONAL]
    expires_at: datetime


class ErasureAccepted(Event, aggregate="erasure", person="user_id", type="identity.erasure_accepted.v1"):
    """A person wants to be forgotten, from `due_at` on. How it stands is shown to whoever has `secret`."""

    erasure_id: int
    user_id: int
    email: Annotated[str, PERSONAL]
    full_name: Annotated[str, PERSONAL]
    timezone: str
    secret: Annotated[str, PERSONAL]
    due_at: datetime


class ErasureRequested(Event, aggregate="erasure", type="identity.erasure_requested.v1"):
    """Every service erases what it holds of this person, and tells that it did."""

    erasure_id: int
    user_id: int
    customer_id: int | None = None


class UserErased(Event, aggregate="user", type="identity.user_erased.v1"):
    """Every service has erased this person. Both ids belong to nobody from now on."""

    user_id: int
    customer_id: int | None = None


class SecondFactorEvent(Event, aggregate="user"):
    """About how a person signs in: beside the password, with a code of an app."""

    user_id: int


class SecondFactorEnabled(SecondFactorEvent, type="identity.second_factor_enabled.v1"):
    pass


class SecondFactorDisabled(SecondFactorEvent, person="user_id", type="identity.second_factor_disabled.v1"):
    """By the person, or by an administrator: then `reason` says why."""

    reason: Annotated[str, PERSONAL] = ""


class RecoveryCodeUsed(SecondFactorEvent, type="identity.recovery_code_used.v1"):
    """Instead of a code of the app; `codes_left` are good still."""

    codes_left: int


class AddressProofEvent(Event, aggregate="address_proof", person="user_id"):
    """A mail to an address that may not be anybody's yet; `email` is where it goes."""

    address_proof_id: int
    user_id: int
    email: Annotated[str, PERSONAL]
    locale: str
    timezone: str


class SecretMailed(AddressProofEvent):
    """`secret` is for the mail alone: whoever sends it back before `expires_at` reads the address."""

    secret: Annotated[str, PERSONAL]
    expires_at: datetime


class EmailVerificationRequested(SecretMailed, type="identity.email_verification_requested.v1"):
    """Somebody opens an account with this address; it becomes one when the secret comes back."""


class RegistrationRepeated(AddressProofEvent, type="identity.registration_repeated.v1"):
    """Somebody wanted to open an account with an address that has one: only its owner is told."""

    full_name: Annotated[str, PERSONAL]


class ImpersonationEvent(Event, aggregate="impersonation", person="user_id"):
    """Somebody of the staff (`staff_id`) acts for a user, until `expires_at` at most. `reason` is for the person."""

    impersonation_id: int
    user_id: int
    staff_id: int
    reason: Annotated[str, PERSONAL]
    expires_at: datetime


class ImpersonationStarted(ImpersonationEvent, type="identity.impersonation_started.v1"):
    pass


class ImpersonationEnded(ImpersonationEvent, EndsTokens, type="identity.impersonation_ended.v1"):
    """Before its time; those that run out end without an event."""


class ApiKeyEvent(Event, aggregate="api_key", person="user_id"):
    """A key that `user_id` has made: for one affiliate, or (none) to read the platform. `prefix` is how it begins."""

    api_key_id: int
    user_id: int
    affiliate_id: int | None = None
    name: Annotated[str, PERSONAL]
    prefix: str
    scopes: list[str]
    expires_at: datetime


class ApiKeyCreated(ApiKeyEvent, type="identity.api_key_created.v1"):
    pass


class ApiKeyRevoked(ApiKeyEvent, EndsTokens, type="identity.api_key_revoked.v1"):
    pass


class SignInEvent(Event, aggregate="user"):
    """About where else a person signs in: `provider` is the name of an OpenID provider."""

    user_id: int
    provider: str


class SignInLinked(SignInEvent, type="identity.sign_in_linked.v1"):
    """Who signs in there is signed in here."""


class SignInUnlinked(SignInEvent, type="identity.sign_in_unlinked.v1"):
    """No longer."""


class PasswordResetRequested(SecretMailed, type="identity.password_reset_requested.v1"):
    """Somebody says that they no longer know the password of this address's account."""

    full_name: Annotated[str, PERSONAL]


class EmailChangeRequested(SecretMailed, type="identity.email_change_requested.v1"):
    """`email` is where the person will be reached if the secret comes back; until then it is another's, perhaps."""


class EmailChanged(AddressProofEvent, type="identity.email_changed.v1"):
    """For whoever reads the address of before; where the person is reached now is told by `user_changed`."""

    old_email: Annotated[str, PERSONAL]
    full_name: Annotated[str, PERSONAL]


class PasswordChanged(UserEvent, EndsTokens, type="identity.password_changed.v1"):
    """Every session has ended, but one that was opened with the change."""


class MemberEvent(Event, aggregate="affiliate_user"):
    """A user's place in an affiliate's team; `role` is owner, manager or technician."""

    affiliate_user_id: int
    affiliate_id: int
    user_id: int
    role: str


class MemberAdded(MemberEvent, type="identity.member_added.v1"):
    """A user now works for an affiliate."""


class MemberChanged(MemberEvent, EndsTokens, type="identity.member_changed.v1"):
    """A user now has another role in the team."""


class MemberRemoved(MemberEvent, EndsTokens, type="identity.member_removed.v1"):
    """A user no longer works for the affiliate; `role` is the one that was lost."""


class MemberInvited(Event, aggregate="invitation", person="user_id", type="identity.member_invited.v1"):
    """Somebody is asked into an affiliate's team. `secret` is for the mail to `email` alone, where it may be anybody's.

    `user_id` is whose data this is: the invited person's, if the address has an account, else of whoever invites.
    """

    invitation_id: int
    affiliate_id: int
    user_id: int
    role: str
    email: Annotated[str, PERSONAL]
    secret: Annotated[str, PERSONAL]
    locale: str
    timezone: str
    expires_at: datetime


class SessionEvent(EndsTokens, aggregate="refresh_token", person="user_id"):
    """The end of a session, told once for each of its refresh tokens that brought it about.

    `tokens_end_at` lies a little ahead: a refresh that was under way may still issue a token of the ended session.
    """

    refresh_token_id: int
    session: UUID


class SessionEnded(SessionEvent, type="identity.session_ended.v1"):
    """By its owner, or because the password was changed."""


class SessionReused(SessionEvent, type="identity.session_reused.v1"):
    """A used refresh token came again: somebody has a copy. `device` and `address` are theirs who brought it."""

    device: Annotated[str | None, PERSONAL]
    address: Annotated[str | None, PERSONAL]


def ending_tokens() -> list[type[EndsTokens]]:
    """Every event that ends tokens."""
    return [event for event in CONTRACTS.values() if issubclass(event, EndsTokens)]
