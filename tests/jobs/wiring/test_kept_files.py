"""The ledger of `setup --undo`: a file of ours is known as ours whatever became of the last attempt to change it."""

from __future__ import annotations

from pathlib import Path

from jobs import privileged
from jobs.policy.file_change import FileChange
from jobs.wiring.instance import Instance
from jobs.wiring.kept_files import KeptFiles


def test_a_change_that_was_taken_back_does_not_make_the_file_somebody_elses(
    instance: Instance, tmp_path: Path
) -> None:
    kept, path = KeptFiles(instance.place), tmp_path / "ours.conf"
    first, second = FileChange(path, b"first"), FileChange(path, b"second")
    kept.before("apache", [first])
    privileged.publish([first])
    kept.before("apache", [second])
    privileged.restore(privileged.publish([second]))
    back, refused = kept.undoing()
    assert (path.read_bytes(), refused) == (b"first", [])
    assert [was.existed for _, was in back] == [False]


def test_what_somebody_wrote_in_between_is_his(instance: Instance, tmp_path: Path) -> None:
    kept, path = KeptFiles(instance.place), tmp_path / "ours.conf"
    first = FileChange(path, b"first")
    kept.before("apache", [first])
    privileged.publish([first])
    path.write_bytes(b"an administrator's own")
    kept.before("apache", [FileChange(path, b"second")])
    back, refused = kept.undoing()
    assert back == [] and "changed by somebody since" in refused[0][1]


def test_the_first_state_of_many_files_is_kept_at_once_and_of_each_only_the_first(
    instance: Instance, tmp_path: Path
) -> None:
    kept, paths = KeptFiles(instance.place), [tmp_path / f"{number}.conf" for number in range(600)]
    paths[0].write_bytes(b"the host's")
    for content in (b"one", b"two"):
        changes = [FileChange(path, content) for path in (*paths, paths[0])]
        kept.before("apache", changes)
        privileged.publish(changes)
    back, refused = kept.undoing()
    assert (len(back), refused) == (600, [])
    assert {was.path: was.content for _, was in back if was.existed} == {paths[0]: b"the host's"}
