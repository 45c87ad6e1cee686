"""What notifications tells: nothing but of the personal data that it holds."""

from shared.contracts.personal import DataErased, DataExported


class PersonalDataExported(DataExported, type="notifications.personal_data_exported.v1"):
    pass


class PersonalDataErased(DataErased, type="notifications.personal_data_erased.v1"):
    pass
