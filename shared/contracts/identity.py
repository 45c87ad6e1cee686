"""What identity tells: people, and who works for whom."""

from shared.events import Event


class UserEvent(Event, aggregate="user"):
    """A person with an account. `customer_id` is set for customers; `locale` is BCP 47, `timezone` IANA."""

    user_id: int
    customer_id: int | None = None
    email: str
    full_name: str
    locale: str
    timezone: str


class UserRegistered(UserEvent, type="identity.user_registered.v1"):
    pass


class UserChanged(UserEvent, type="identity.user_changed.v1"):
    pass


class MemberAdded(Event, aggregate="affiliate_user", type="identity.member_added.v1"):
    """A user now works for an affiliate; `role` is owner, manager or technician."""

    affiliate_user_id: int
    affiliate_id: int
    user_id: int
    role: str
