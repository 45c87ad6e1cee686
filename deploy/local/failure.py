"""Why the system cannot run here; the message is what the person at the terminal reads."""

import errno

UNWRITABLE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOTDIR: "a file is in the way",
}


class CannotRun(Exception):
    """Told to the user without a traceback."""


def explained(error: OSError) -> str | None:
    """What a failed write means; None: an error that deserves its traceback."""
    reason = UNWRITABLE.get(error.errno or 0)
    return f"cannot write {error.filename or 'the data'}: {reason}" if reason else None
