"""Tell people of an installed package of scenarios that had to be left out."""

from crucible.alerts.raising import raise_alert
from validation.scenarios import catalogue


def tell() -> None:
    """Raise an alert for each package whose scenarios are not in the catalogue."""
    for package in catalogue.packages():
        if package.error:
            title = f"The scenarios of {package.name} are left out"
            text = f"{package.error} Correct the package or remove it, then restart the workers."
            raise_alert("package", title, text, severity="WARNING", ref=package.name)
