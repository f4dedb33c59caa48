"""The kinds of data by our names: which recogniser of the vendor's finds them, and what to call them in prose.

A kind is listed where its form is tight or carries a checksum. Bank accounts, passports, postcodes and number plates
are left out: to a pattern they are any run of letters and digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from critics.manifesto.schema import Entity


class Kind(NamedTuple):
    """The name of a class of Presidio's, and a noun with its article."""

    recogniser: str
    noun: str


KINDS: Mapping[Entity, Kind] = MappingProxyType(
    {
        "email": Kind("EmailRecognizer", "an e-mail address"),
        "phone": Kind("PhoneRecognizer", "a phone number"),
        "card": Kind("CreditCardRecognizer", "a card number"),
        "iban": Kind("IbanRecognizer", "an IBAN"),
        "ip": Kind("IpRecognizer", "an IP address"),
        "mac": Kind("MacAddressRecognizer", "a MAC address"),
        "url": Kind("UrlRecognizer", "a web address"),
        "crypto": Kind("CryptoRecognizer", "a Bitcoin address"),
        "date": Kind("DateRecognizer", "a date"),
        "medical-license": Kind("MedicalLicenseRecognizer", "a US medical licence number"),
        "us-ssn": Kind("UsSsnRecognizer", "a US social security number"),
        "us-itin": Kind("UsItinRecognizer", "a US taxpayer number"),
        "us-mbi": Kind("UsMbiRecognizer", "a US Medicare number"),
        "uk-nhs": Kind("NhsRecognizer", "an NHS number"),
        "uk-nino": Kind("UkNinoRecognizer", "a UK national insurance number"),
        "uk-driving-licence": Kind("UkDrivingLicenceRecognizer", "a UK driving licence number"),
        "au-abn": Kind("AuAbnRecognizer", "an Australian business number"),
        "au-medicare": Kind("AuMedicareRecognizer", "an Australian Medicare number"),
        "au-tfn": Kind("AuTfnRecognizer", "an Australian tax file number"),
        "ca-sin": Kind("CaSinRecognizer", "a Canadian social insurance number"),
        "de-health-insurance": Kind("DeHealthInsuranceRecognizer", "a German health insurance number"),
        "de-social-security": Kind("DeSocialSecurityRecognizer", "a German pension insurance number"),
        "de-tax-id": Kind("DeTaxIdRecognizer", "a German tax number"),
        "es-nie": Kind("EsNieRecognizer", "a Spanish foreigner's number"),
        "es-nif": Kind("EsNifRecognizer", "a Spanish identity number"),
        "fi-hetu": Kind("FiPersonalIdentityCodeRecognizer", "a Finnish identity code"),
        "in-aadhaar": Kind("InAadhaarRecognizer", "an Aadhaar number"),
        "it-fiscal-code": Kind("ItFiscalCodeRecognizer", "an Italian fiscal code"),
        "kr-rrn": Kind("KrRrnRecognizer", "a Korean registration number"),
        "ng-nin": Kind("NgNinRecognizer", "a Nigerian identity number"),
        "pl-pesel": Kind("PlPeselRecognizer", "a PESEL number"),
        "se-personnummer": Kind("SePersonnummerRecognizer", "a Swedish identity number"),
        "sg-nric": Kind("SgFinRecognizer", "a Singapore identity number"),
        "th-id": Kind("ThTninRecognizer", "a Thai identity number"),
        "tr-id": Kind("TrNationalIdRecognizer", "a Turkish identity number"),
        "za-id": Kind("ZaIdNumberRecognizer", "a South African identity number"),
    }
)
