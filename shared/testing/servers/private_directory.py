"""A directory that belongs to the OS user a server runs as, even when that user cannot reach the place it was put."""

import errno
import hashlib
import os
import pwd
import shutil
import stat
from pathlib import Path

ELSEWHERE = Path("/var/tmp")  # noqa: S108  (the name below is ours alone and is refused when somebody else made it)


def place_of(path: Path, user: str | None) -> Path:
    """Where the directory is, or will be made: elsewhere if it is out of the user's reach (a clone in /root)."""
    if user is None or path.exists() or _reachable(path.parent, pwd.getpwnam(user)):
        return path.resolve()
    return ELSEWHERE / f"mdh-{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]}"


def make(path: Path, user: str | None) -> None:
    """Mode 700, owned by the user; a symlink where it was asked for, if it is elsewhere."""
    target = place_of(path, user)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user:
        _give(target, pwd.getpwnam(user))
    if target != path.resolve():
        path.unlink(missing_ok=True)
        path.symlink_to(target)


def empty(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def remove(path: Path) -> None:
    """With what a symlink leads to."""
    if path.is_symlink():
        shutil.rmtree(path.resolve(), ignore_errors=True)
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _give(target: Path, account: pwd.struct_passwd) -> None:
    if target.stat().st_uid not in (os.geteuid(), account.pw_uid):
        raise PermissionError(errno.EPERM, "belongs to somebody else", str(target))
    os.chown(target, account.pw_uid, account.pw_gid)
    target.chmod(0o700)


def _reachable(path: Path, account: pwd.struct_passwd) -> bool:
    """Whether the user may walk down to the path: the execute bit that applies on every directory above."""
    resolved = path.resolve()
    existing = [directory for directory in (resolved, *resolved.parents) if directory.exists()]
    return all(_may_enter(directory.stat(), account) for directory in existing)


def _may_enter(status: os.stat_result, account: pwd.struct_passwd) -> bool:
    if status.st_uid == account.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.pw_gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
