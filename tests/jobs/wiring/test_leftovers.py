"""A process that was killed while it wrote leaves nothing for ever: no half-written file, and no key beside a set."""

from __future__ import annotations

from pathlib import Path

from jobs.policy.file_change import FileChange
from jobs.wiring.instance import Instance
from jobs.wiring.kept_files import KeptFiles
from jobs.wiring.leftovers import sweep_leftovers


def test_what_was_half_written_goes_and_all_else_stays(instance: Instance, tmp_path: Path) -> None:
    place, etc = instance.place, tmp_path / "etc"
    etc.mkdir()
    KeptFiles(place).before("apache", [FileChange(etc / "ours.conf", b"ours")])
    staged = place.live / "a.test" / ".staged-x1"
    staged.mkdir(parents=True)
    (staged / "privkey.pem").write_text("a key")
    link = place.live / "a.test" / ".apache.77.0a1b.autossl"
    link.symlink_to("abc")
    stay = [etc / "ours.conf", etc / ".htaccess", etc / "a.autossl", place.live / "a.test" / "abc"]
    for path in (*stay, etc / ".ours.conf.x8_y7zab.autossl"):
        path.write_text("x")
    sweep_leftovers(place)
    assert sorted(etc.iterdir()) == sorted(stay[:3])
    assert list((place.live / "a.test").iterdir()) == stay[3:]
