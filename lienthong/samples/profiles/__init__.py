"""The eight formats that came after the first six."""

from lienthong.samples.profiles.criminal import CRIMINAL
from lienthong.samples.profiles.insurance import INSURANCE
from lienthong.samples.profiles.lgsp import LGSP
from lienthong.samples.profiles.ministry import MINISTRY
from lienthong.samples.profiles.opencps import OPENCPS
from lienthong.samples.profiles.provincial import PROVINCIAL
from lienthong.samples.profiles.school import SCHOOL
from lienthong.samples.profiles.transport import TRANSPORT

__all__ = ["PROFILES"]

PROFILES = (CRIMINAL, LGSP, MINISTRY, OPENCPS, PROVINCIAL, SCHOOL, INSURANCE, TRANSPORT)
"""In the order of their agencies' names."""
