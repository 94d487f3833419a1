"""Commands on what one agency lets another have: sharing list, check, send."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lienthong.cli.files import AsJson
from lienthong.cli.replaying import Yes
from lienthong.cli.session import Exit, Session, finish, finish_remarks
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.sharing.profile import SharingProfile

sharing = typer.Typer(help="What one agency lets another have.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(sharing, name="sharing")


@sharing.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """
    List the profiles: from whom, to whom, what, for which purpose, on which basis, until when.

    Example: lienthong sharing list --json
    """
    from lienthong.sharing.sharer import terms_of

    session: Session = context.obj
    if as_json:
        session.json(
            [
                {"profile": name, "terms": terms_of(profile)}
                | profile.model_dump(mode="json", by_alias=True)
                for name, profile in session.settings.sharing.items()
            ]
        )
        return
    for name, profile in session.settings.sharing.items():
        until = session.word("đến hết ngày", "until")
        head = f"{name}  {profile.sender} → {profile.to}, {until} {profile.until:%Y-%m-%d}"
        session.out.print(head, markup=False, style="bold")
        for vi, en, words in (
            ("Thủ tục", "Procedures", ", ".join(profile.procedures)),
            ("Trạng thái", "Statuses", ", ".join(profile.statuses)),
            ("Trường", "Fields", ", ".join(profile.fields)),
            ("Tiến độ", "Progress", ", ".join(profile.progress)),
            ("Che", "Masked", ", ".join(profile.masked)),
            ("Mục đích", "Purpose", profile.purpose),
            ("Căn cứ", "Legal basis", profile.legal_basis),
        ):
            if words:
                session.out.print(f"  {session.word(vi, en)}: {words}", markup=False)


@sharing.command()
def check(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Of the profile: [sharing.NAME]; all")] = None,
    as_json: AsJson = False,
) -> None:
    """
    Check that profiles can work: fields, agencies, what the receiver's mapping reads.

    Example: lienthong sharing check land-to-tax
    """
    from lienthong.sharing.examining import examine_sharing
    from mappings.dates import VIETNAM

    session: Session = context.obj
    installation = session.installation
    profiles = session.settings.sharing if name is None else {name: _profile(session, name)}
    today = installation.clock().astimezone(VIETNAM).date()
    found = [
        (one, remark)
        for one, profile in profiles.items()
        for remark in examine_sharing(
            one,
            profile,
            mappings=installation.mappings,
            receivers=session.settings.receivers,
            today=today,
        )
    ]
    well = Text(vi="Mọi hồ sơ chia sẻ đều chạy được", en="All profiles can work")
    finish_remarks(session, found, what="profile", well=well, as_json=as_json)


@sharing.command()
def send(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of the profile: [sharing.NAME]")],
    since: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="What was delivered since, in local time",
        ),
    ],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """
    Share also what was delivered before the profile began; nothing is shared twice.

    What is older than what the receiver has stays. It may be broken off and begun again.

    Example: lienthong sharing send land-to-tax --since 2026-01-01
    """
    from lienthong.moving import Moving
    from lienthong.store.work import begin
    from mappings.dates import VIETNAM

    session: Session = context.obj
    installation, profile = session.installation, _profile(session, name)
    if not profile.is_in_force(installation.clock().astimezone(VIETNAM).date()):
        raise ConfigError(
            Text(
                vi=f"[sharing.{name}] hôm nay không có hiệu lực: không chia sẻ gì",
                en=f"[sharing.{name}] is not in force today: nothing is shared",
            ),
            code="sharing.not_in_force",
        )
    question = session.word(
        f"Chia sẻ hồ sơ của {profile.sender} đã gửi từ {since:%d/%m/%Y} cho {profile.to}?",
        f"Share what {profile.sender} delivered since {since:%Y-%m-%d} with {profile.to}?",
    )
    if not yes and not typer.confirm(question):
        finish(Exit.DONE)
        return
    moment = since.astimezone()
    with begin(installation.store, at=installation.clock, actor=getpass.getuser()) as work:
        work.note("sharing.past", name, since=moment.isoformat())
    looked_at = shared = 0
    not_shared: list[ConfigError] = []

    def tell(error: ConfigError) -> None:
        if error.text not in [told.text for told in not_shared]:
            session.tell(error.text)
        not_shared.append(error)

    with installation.open_broker() as broker:
        sharer = Moving(installation).make_sharer(broker)
        for is_new in sharer.share_past(name, since=moment, tell=tell):
            looked_at += 1
            shared += is_new
            if looked_at % 1_000 == 0:
                session.tell(
                    Text(
                        vi=f"đã xem {looked_at} thông điệp, chia sẻ {shared}",
                        en=f"{looked_at} messages looked at, {shared} shared",
                    )
                )
    if as_json:
        values = {"profile": name, "messages": looked_at, "shared": shared}
        session.json({**values, "unreadable": len(not_shared)})
    else:
        session.say(
            Text(
                vi=f"Đã chia sẻ {shared} trong {looked_at} thông điệp",
                en=f"{shared} of {looked_at} messages were shared",
            )
        )
    if not_shared:
        finish(Exit.PARTLY)


def _profile(session: Session, name: str) -> SharingProfile:
    profiles = session.settings.sharing
    if name not in profiles:
        known = ", ".join(profiles) or "-"
        raise ConfigError(
            Text(
                vi=f"Không có [sharing.{name}]; có: {known}",
                en=f"There is no [sharing.{name}]; there are: {known}",
            ),
            code="sharing.unknown",
        )
    return profiles[name]
