"""What the API takes and gives of the steps of an affiliate."""

from datetime import datetime

from pydantic import Field

from shared.http import Body, View

from ..domain.onboarding import ApplicationStatus
from .words import Reason


class ReasonRequest(Body):
    """Why, in words for the affiliate's owners."""

    reason: Reason


class StepView(View):
    """A step that an affiliate took; an application comes from nowhere."""

    from_status: ApplicationStatus | None
    to_status: ApplicationStatus
    reason: str | None
    at: datetime = Field(validation_alias="created_at")


class StaffStepView(StepView):
    """As staff see it: with who it was, null for the platform itself."""

    changed_by: int | None
