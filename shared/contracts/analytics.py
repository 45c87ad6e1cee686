"""What analytics tells: nothing but of the personal data that it holds."""

from shared.contracts.personal import DataErased, DataExported


class PersonalDataExported(DataExported, type="analytics.personal_data_exported.v1"):
    pass


class PersonalDataErased(DataErased, type="analytics.personal_data_erased.v1"):
    pass
