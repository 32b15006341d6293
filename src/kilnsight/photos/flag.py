"""What can be the matter with a photo, and the sentences that say so."""

from __future__ import annotations

from enum import StrEnum

from kilnsight.i18n import gettext as _


class Flag(StrEnum):
    """One thing that is the matter with a photo or with a file that should be one."""

    BLURRED = "blurred"
    OVEREXPOSED = "overexposed"
    UNDEREXPOSED = "underexposed"
    NO_GPS = "no_gps"
    NO_FOCAL = "no_focal"
    NO_TIME = "no_time"
    DUPLICATE = "duplicate"
    NOT_A_PHOTO = "not_a_photo"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    TOO_SMALL = "too_small"
    THERMAL = "thermal"
    FISHEYE = "fisheye"
    UNREADABLE = "unreadable"
    CRASHED = "crashed"
    BAD_NAME = "bad_name"


REJECTING = frozenset({
    Flag.DUPLICATE, Flag.NOT_A_PHOTO, Flag.TRUNCATED, Flag.DAMAGED, Flag.TOO_LARGE,
    Flag.TOO_SMALL, Flag.UNREADABLE, Flag.CRASHED, Flag.BAD_NAME,
})
"""Flags with which a file cannot be used at all."""


class PhotoError(Exception):
    """A file cannot be used as a photo: why (`flag`) and with which values (`detail`)."""

    def __init__(self, flag: Flag, detail: str = "") -> None:
        self.flag = flag
        self.detail = detail
        super().__init__(f"{flag.value}: {detail}")


def reason(flag: Flag, detail: str = "") -> str:
    """Sentence, in the language in use, that says what a flag means; `detail` are its values."""
    sentences = {
        Flag.BLURRED: _("The picture is blurred compared with the others of the flight."),
        Flag.OVEREXPOSED: _("Large parts of the picture are burnt out."),
        Flag.UNDEREXPOSED: _("Large parts of the picture are black."),
        Flag.NO_GPS: _("The photo has no GPS position."),
        Flag.NO_FOCAL: _("The focal length of the camera is not known."),
        Flag.NO_TIME: _("The photo does not say when it was taken."),
        Flag.DUPLICATE: _("The file has the same content as {detail}.", detail=detail),
        Flag.NOT_A_PHOTO: _("The file is not a JPEG photo."),
        Flag.TRUNCATED: _("The file ends before the picture does."),
        Flag.DAMAGED: _("The picture data are damaged."),
        Flag.TOO_LARGE: _("The picture or file is larger than the limit: {detail}.", detail=detail),
        Flag.TOO_SMALL: _("The picture is too small for a survey photo: {detail}.", detail=detail),
        Flag.THERMAL: _("The photo is a thermal picture."),
        Flag.FISHEYE: _("The photo was taken with a fisheye lens."),
        Flag.UNREADABLE: _("The file cannot be read: {detail}.", detail=detail),
        Flag.CRASHED: _("The file made the reader of pictures crash."),
        Flag.BAD_NAME: _("The name of the file is not in Unicode (UTF-8)."),
    }
    return sentences[flag]


def remedy(flag: Flag) -> str:
    """Sentence, in the language in use, that says what to do about a flag."""
    again = _("Copy the file from the camera's card again, or leave it out.")
    sentences = {
        Flag.BLURRED: _("Look at the photo; fly slower or with a shorter exposure next time."),
        Flag.OVEREXPOSED: _("Lower the exposure next time; burnt-out areas cannot be mapped."),
        Flag.UNDEREXPOSED: _("Raise the exposure next time; black areas cannot be mapped."),
        Flag.NO_GPS: _("Use the original files of the camera; others may lack the position."),
        Flag.NO_FOCAL: _("Use the original files of the camera, with their EXIF."),
        Flag.NO_TIME: _("Use the original file of the camera, with its EXIF."),
        Flag.DUPLICATE: _("Nothing needs to be done; the content is used once."),
        Flag.NOT_A_PHOTO: _("Export it as JPEG, or leave it out of the folder."),
        Flag.TRUNCATED: again,
        Flag.DAMAGED: again,
        Flag.TOO_LARGE: _("Give single photos as the camera wrote them, not panoramas or maps."),
        Flag.TOO_SMALL: _("Give the original photos, not previews of them."),
        Flag.THERMAL: _("It is kept for heat findings; the map is made from visible light."),
        Flag.FISHEYE: _("Check the edges of the map, or fly with the narrow field of view."),
        Flag.UNREADABLE: _("Check the permissions of the file and the disk."),
        Flag.CRASHED: again,
        Flag.BAD_NAME: _("Rename the file; archives from other systems may spoil names."),
    }
    return sentences[flag]
