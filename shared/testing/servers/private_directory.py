"""A directory that belongs to the OS user a server runs as, even when that user cannot reach the place it was put."""

import hashlib
import os
import pwd
import shutil
import stat
from pathlib import Path

ELSEWHERE = Path("/var/tmp")  # noqa: S108  (the name below is ours alone and is refused when somebody else made it)


def make(path: Path, user: str | None) -> None:
    """Mode 700, owned by the user. Out of the user's reach (a clone in /root): elsewhere, behind a symlink."""
    if user is None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    account = pwd.getpwnam(user)
    if not path.is_symlink() and not path.exists() and not _reachable(path.parent, account):
        path.symlink_to(_elsewhere(path, account.pw_uid))
    target = path.resolve()
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(target, account.pw_uid, account.pw_gid)
    target.chmod(0o700)


def remove(path: Path) -> None:
    """With what a symlink leads to."""
    if path.is_symlink():
        shutil.rmtree(path.resolve(), ignore_errors=True)
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _elsewhere(path: Path, uid: int) -> Path:
    target = ELSEWHERE / f"mdh-{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]}"
    if target.exists() and target.lstat().st_uid != uid:
        raise PermissionError(f"{target} belongs to somebody else; remove it first")
    return target


def _reachable(path: Path, account: pwd.struct_passwd) -> bool:
    """Whether the user may walk down to the path: the execute bit that applies on every directory above."""
    resolved = path.resolve()
    return all(_may_enter(directory.stat(), account) for directory in (resolved, *resolved.parents))


def _may_enter(status: os.stat_result, account: pwd.struct_passwd) -> bool:
    if status.st_uid == account.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.pw_gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
