"""A channel to an LGSP, opened as the installation opens it."""

from __future__ import annotations

from lienthong.channels.lgsp import LgspChannel, token_owner
from lienthong.channels.profile import TargetProfile
from lienthong.channels.sessions import Session, SessionFile
from tests.contract.json_site import Openly

CONSTANTS = {
    "CitizenName": "(không ghi)",
    "ApplicantsId": "(không ghi)",
    "Phone": "(không ghi)",
    "DateAppointed": "0000-00-00T00:00:00.000+0700",
    "ReturnedDate": "0000-00-00T00:00:00.000+0700",
}
"""Of what the sample dossier does not have and an LGSP demands."""
LGSP = {
    "token_endpoint": "/token",
    "client_id": "tich-hop",
    "client_secret": "bi-mat",
    "look_up_endpoint": "/Document/Find",
    "dossier": {"constants": CONSTANTS},
    "progress": {
        "sources": {"DocumentId": ["MaHoSo"], "OrganizationInchargeName": ["@MaDonVi"]},
        "codes": {"OrganizationInchargeName": {"000.00.00.H29": "Sở thử nghiệm"}},
        "constants": {"UserPosition": "Chuyên viên"},
    },
}


def open_lgsp(url, *, folder, clock, session="the-1", lgsp=None, sealing=None, **settings):
    """Open the channel; `session` is a token that is there already, None for none."""
    values = {"success_codes": ["0", "00"], "lgsp": LGSP | (lgsp or {})} | settings
    profile = TargetProfile(endpoint=url, channel="lgsp", **values)
    file = SessionFile(folder / "portal-session", sealing=sealing or Openly())
    if session is not None:
        file.write(Session(value=session, made_at=clock()), token_owner(profile))
    return LgspChannel(profile, clock=clock, session_file=file)
