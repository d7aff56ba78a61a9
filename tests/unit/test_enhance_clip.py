from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from baselines import method as methods
from baselines.inference.clips.frame_by_frame import enhanced_clip
from baselines.method import Method, MethodInfo
from eval import images
from eval.enhancing import enhance as enhancing
from eval.enhancing import image_files
from eval.enhancing.clip_source import open_clip, wanted_rate
from eval.enhancing.clip_target import SEGMENT
from eval.enhancing.enhance import enhance
from eval.enhancing.task import Enhancement
from lldata.errors import LowLightError, MethodError
from lldata.outputs.video import Segment, coding, join
from lldata.reading.video import announced, decoded
from lldata.sample import Sample
from tests.clip_folders import film, write_clip

GAMMA = methods.build("gamma")


def apply(source: Path, target: Path, method: str = "gamma", **changes: Any) -> list[Path]:
    return enhance(Enhancement(method, source, target, **changes))


def folder(path: Path, count: int = 5, size: tuple[int, int] = (16, 24)) -> Path:
    write_clip(path, film(3, count, 9000, size))
    return path


def expected(source: Path, number: int) -> np.ndarray:
    planes = images.read(source / f"f{number}.png").pixels.transpose(2, 0, 1) / np.float32(65535)
    return GAMMA(Sample("", 1.0, srgb=planes.astype(np.float32))).transpose(1, 2, 0)


class Killer:
    """A method of domain srgb that is interrupted at one of its calls."""

    info: MethodInfo = GAMMA.info

    def __init__(self, at: int) -> None:
        self.calls, self.at = 0, at

    def __call__(self, sample: Sample) -> np.ndarray:
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        return GAMMA(sample)


class ClipMethod:
    """A method for clips that averages each frame with the one before."""

    info = replace(GAMMA.info, name="gamma", domain="clip")

    def __call__(self, sample: Sample) -> Iterator[np.ndarray]:
        before = None
        for frame in sample.clip or ():
            yield (frame if before is None else (frame + before) / 2)
            before = frame


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    def used(method: Method) -> Method:
        monkeypatch.setattr(enhancing, "load_method", lambda *_: (method, {}))
        monkeypatch.setattr(methods, "info", lambda _: method.info)
        return method

    return used


def test_a_folder_of_frames_becomes_one_of_the_same_names_and_depth(tmp_path: Path):
    source = folder(tmp_path / "in", 11)
    written = apply(source, tmp_path / "out", clip=True)
    assert [path.name for path in written] == [f"f{n}.png" for n in range(11)]  # 10 after 9
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(p.name for p in written)
    for number, path in enumerate(written):
        found = images.read(path).pixels
        assert found.dtype == np.uint16
        np.testing.assert_allclose(found / 65535, expected(source, number), atol=1 / 65535)


def test_frames_of_8_bits_stay_so(tmp_path: Path):
    (tmp_path / "in").mkdir()
    for number in range(2):
        cv2.imwrite(str(tmp_path / "in" / f"{number}.tif"), np.full((9, 9, 3), 40, np.uint8))
    written = apply(tmp_path / "in", tmp_path / "out", clip=True)
    assert [images.read(path).pixels.dtype for path in written] == [np.uint8, np.uint8]


def test_a_folder_without_the_flag_is_photographs_each_by_itself(tmp_path: Path):
    apply(folder(tmp_path / "in"), tmp_path / "out", compare=True)
    assert (tmp_path / "out" / "f0.compare.png").is_file()


def test_an_interrupted_folder_goes_on_where_it_stopped(tmp_path: Path, use: Any):
    source, out = folder(tmp_path / "in"), tmp_path / "out"
    use(Killer(4))
    with pytest.raises(KeyboardInterrupt):
        apply(source, out, clip=True)
    assert sorted(p.name for p in out.iterdir()) == [".enhance.json", "f0.png", "f1.png", "f2.png"]
    again, said = use(Killer(99)), []
    enhance(Enhancement("gamma", source, out, clip=True), tell=said.append)
    assert again.calls == 2
    assert said[-1] == "3 of 5 frames are finished already"
    assert not (out / ".enhance.json").exists()
    np.testing.assert_allclose(
        images.read(out / "f4.png").pixels / 65535, expected(source, 4), atol=1 / 65535
    )


def test_frames_of_another_task_are_not_taken_for_finished(tmp_path: Path, use: Any):
    source, out = folder(tmp_path / "in"), tmp_path / "out"
    use(Killer(4))
    with pytest.raises(KeyboardInterrupt):
        apply(source, out, clip=True)
    other = use(Killer(99))
    apply(source, out, clip=True, smooth=True)
    assert other.calls == 5


def test_smoothing_gone_on_with_gives_the_frames_of_one_go(tmp_path: Path, use: Any):
    source = folder(tmp_path / "in", 20)
    whole = apply(source, tmp_path / "whole", clip=True, smooth=True)
    use(Killer(18))
    with pytest.raises(KeyboardInterrupt):
        apply(source, tmp_path / "out", clip=True, smooth=True)
    kept = len(list((tmp_path / "out").glob("*.png")))
    again = use(Killer(99))
    parts = apply(source, tmp_path / "out", clip=True, smooth=True)
    assert 0 < kept == 11
    assert again.calls == 20 - (kept - 6)
    assert [p.read_bytes() for p in parts] == [p.read_bytes() for p in whole]


def test_a_clip_method_that_does_not_say_what_it_needs_starts_again(tmp_path: Path, use: Any):
    source, out, said = folder(tmp_path / "in"), tmp_path / "out", []
    use(ClipMethod())
    whole = apply(source, tmp_path / "whole")
    monkey = itertools.count()
    real = image_files.write

    def stopped(*given: Any) -> Path:
        if next(monkey) == 2:
            raise KeyboardInterrupt
        return real(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_files, "write", stopped)
        with pytest.raises(KeyboardInterrupt):
            apply(source, out)
    parts = enhance(Enhancement("gamma", source, out), tell=said.append)
    assert "starts again" in said[-1]
    assert [p.read_bytes() for p in parts] == [p.read_bytes() for p in whole]


def test_a_video_goes_through_frames_and_back_without_a_changed_value(tmp_path: Path):
    source = folder(tmp_path / "in", SEGMENT + 5, (17, 23))
    (video,) = apply(source, tmp_path / "a.mkv", fps=Fraction(30000, 1001))
    assert announced(video)[:2] == (SEGMENT + 5, Fraction(30000, 1001))
    frames = apply(source, tmp_path / "frames", clip=True)
    for path, (pixels, _) in zip(frames, decoded(video), strict=True):
        np.testing.assert_array_equal(images.read(path).pixels, pixels)
    assert [p.name for p in tmp_path.iterdir() if p.name[0] == "."] == []


@pytest.mark.parametrize(("name", "depth"), [("b.mp4", 10), ("b.mov", 10)])
def test_a_video_for_players_keeps_rate_depth_and_colours(tmp_path: Path, name: str, depth: int):
    frame = np.full((32, 48, 3), (30000, 20000, 10000), np.uint16)
    write_clip(tmp_path / "in", [frame] * 3)
    (video,) = apply(tmp_path / "in", tmp_path / name, "identity", fps=Fraction(25))
    ((pixels, facts), *_) = list(decoded(video))
    assert (facts["bits"], facts["matrix"], facts["frames_per_s"]) == (depth, "bt709", 25)
    assert np.abs(pixels.mean(axis=(0, 1)) - frame[0, 0]).max() < 65535 / 200


def test_an_8_bit_video_stays_one_and_keeps_its_rate(tmp_path: Path):
    (tmp_path / "in").mkdir()
    for number in range(3):
        cv2.imwrite(str(tmp_path / "in" / f"{number}.png"), np.full((16, 16, 3), 90, np.uint8))
    (first,) = apply(tmp_path / "in", tmp_path / "a.mp4", "identity", fps=Fraction(24))
    (second,) = apply(first, tmp_path / "b.mp4", "identity")
    ((pixels, facts), *_) = list(decoded(second))
    assert (facts["format"], facts["bits"], facts["frames_per_s"]) == ("h264", 8, 24)
    assert np.abs(pixels.astype(int) // 257 - 90).max() <= 2
    written = apply(first, tmp_path / "frames", "identity")
    assert [p.name for p in written] == [f"a_{n:06d}.png" for n in range(3)]
    assert images.read(written[0]).pixels.dtype == np.uint8


def test_an_interrupted_video_goes_on_after_its_last_whole_segment(tmp_path: Path, use: Any):
    source = folder(tmp_path / "in", 2 * SEGMENT + 3)
    (whole,) = apply(source, tmp_path / "whole.mkv", fps=Fraction(25))
    use(Killer(2 * SEGMENT))
    with pytest.raises(KeyboardInterrupt):
        apply(source, tmp_path / "out.mkv", fps=Fraction(25))
    assert not (tmp_path / "out.mkv").exists()
    left = sorted(p.name for p in (tmp_path / ".out.mkv.parts").iterdir())
    assert left == ["000000000.mkv", "journal.json"]
    again = use(Killer(99))
    (video,) = apply(source, tmp_path / "out.mkv", fps=Fraction(25))
    assert again.calls == SEGMENT + 3
    assert not (tmp_path / ".out.mkv.parts").exists()
    for (one, _), (other, _) in zip(decoded(video), decoded(whole), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["out", "out.mkv"])
def test_two_at_once_never_write_one_output(tmp_path: Path, use: Any, name: str):
    source, target, rate = folder(tmp_path / "in"), tmp_path / name, Fraction(25)
    how = {"fps": rate} if target.suffix else {"clip": True}

    class Nested(Killer):
        def __call__(self, sample: Sample) -> np.ndarray:
            with pytest.raises(LowLightError, match=f"{name}: another lleval enhance is writing"):
                apply(source, target, **how)
            return super().__call__(sample)

    use(Nested(99))
    apply(source, target, **how)
    assert not [p.name for p in (*tmp_path.iterdir(), *target.glob(".*")) if p.name[0] == "."]
    apply(source, target, "identity@short", **how)  # the place is free again


def test_turned_frames_become_an_upright_video(tmp_path: Path):
    (tmp_path / "in").mkdir()
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16] = 200
    exif = Image.Exif()
    exif[images.ORIENTATION] = 6
    for number in range(2):
        Image.fromarray(pixels).save(tmp_path / "in" / f"f{number}.png", exif=exif)
    (video,) = apply(tmp_path / "in", tmp_path / "a.mkv", "identity", fps=Fraction(25))
    shown = images.rgb(tmp_path / "in" / "f0.png")
    assert shown.shape == (48, 32, 3)
    for frame, _ in decoded(video):
        np.testing.assert_array_equal(frame // 257, shown)
    Image.fromarray(pixels).save(tmp_path / "in" / "f2.png")
    with pytest.raises(LowLightError, match=r"frame 2: .* first has .* EXIF orientation 6"):
        apply(tmp_path / "in", tmp_path / "b.mkv", "identity", fps=Fraction(25))


def test_segments_that_lost_a_frame_make_no_video(tmp_path: Path):
    how = coding(tmp_path / "a.mkv", deep=False, size=(16, 16))
    segment = Segment(tmp_path / "s.mkv", how, Fraction(25), (16, 16))
    segment.add(np.zeros((16, 16, 3), np.uint8))
    segment.finish()
    with pytest.raises(LowLightError, match="its segments hold 1 of 2 frames"):
        join([segment.path], tmp_path / "a.mkv", Fraction(25), 2)
    assert [path.name for path in tmp_path.iterdir()] == ["s.mkv"]


def test_a_clip_method_that_says_what_it_needs_goes_on(tmp_path: Path, use: Any):
    class Told(ClipMethod):
        frames_around = 1
        read = 0

        def __call__(self, sample: Sample) -> Iterator[np.ndarray]:
            for frame in super().__call__(sample):
                self.read += 1
                if self.read == 4 and sample.pair == "in":
                    raise KeyboardInterrupt
                yield frame

    source, out = folder(tmp_path / "in"), tmp_path / "out"
    use(Told())
    with pytest.raises(KeyboardInterrupt):
        apply(source, out)
    plain = use(ClipMethod())
    plain.frames_around = 1  # type: ignore[attr-defined]
    parts = apply(source, out)
    whole = apply(source, tmp_path / "whole")
    assert [p.read_bytes() for p in parts] == [p.read_bytes() for p in whole]


def test_a_turned_video_is_written_upright(tmp_path: Path):
    av = pytest.importorskip("av")
    frame = np.zeros((32, 48, 3), np.uint8)
    frame[:16] = 200  # the upper half as the sensor lay
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        stream.set_display_rotation(90)
        file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode(None))
    turned = open_clip(tmp_path / "a.mp4").first.planes
    assert turned.shape == (3, 48, 32)
    assert turned[:, :, :14].mean() > 0.7  # counterclockwise: up has come to lie left
    assert turned[:, :, 18:].mean() < 0.1


def test_the_automatic_ratio_of_a_clip_is_settled_once(tmp_path: Path):
    source, said = folder(tmp_path / "in"), []
    task = Enhancement("identity@amplified", source, tmp_path / "out", ratio="auto", clip=True)
    written = enhance(task, tell=said.append)
    assert "as its first frame asks for" in said[-1]
    assert images.read(written[0]).pixels.mean() > 4 * images.read(source / "f0.png").pixels.mean()


@pytest.mark.parametrize(
    ("target", "changes", "message"),
    [
        ("in", {"clip": True}, "it is the input f0.png itself"),
        ("a.mp4", {}, "no frame rate is known, but a video of a folder of frames needs one"),
        ("a.avi", {"fps": Fraction(25)}, r"a.avi: its suffix is '\.avi'"),
        ("out", {"clip": True, "compare": True}, "--compare: the input is a clip"),
        ("out", {"smooth": True}, "--smooth: .*in is taken for pictures"),
        ("out", {"fps": Fraction(25)}, "--fps: .*in is taken for pictures"),
        ("out", {"clip": True, "fps": Fraction(25)}, "--fps: .*out is a folder of frames"),
        ("out", {"clip": True, "method": "sid"}, "no weights are named"),
        ("out", {"clip": True, "method": "sid", "weights": Path("w")}, "w: there "),
        ("notes.txt", {"clip": True}, "notes.txt is a file, but a folder is needed"),
    ],
)
def test_mistakes_are_named_before_anything_is_written(
    tmp_path: Path, target: str, changes: dict[str, Any], message: str
):
    source = folder(tmp_path / "in", 2)
    (tmp_path / "notes.txt").write_text("text")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LowLightError, match=message):
        apply(source, tmp_path / target, **changes)
    assert sorted(tmp_path.rglob("*")) == before


def test_frames_of_two_kinds_or_sizes_are_no_clip(tmp_path: Path):
    source = folder(tmp_path / "in", 2)
    cv2.imwrite(str(source / "f2.png"), np.zeros((9, 9, 3), np.uint16))
    with pytest.raises(LowLightError, match=r"frame 2: it has 9x9 px .* first has 24x16 px of 16"):
        apply(source, tmp_path / "out", clip=True)
    cv2.imwrite(str(source / "f3.tif"), np.zeros((16, 24, 3), np.uint16))
    with pytest.raises(LowLightError, match=r"it holds \.png and \.tif files"):
        apply(source, tmp_path / "out", clip=True)


def test_missing_numbers_are_said(tmp_path: Path):
    source, said = folder(tmp_path / "in", 6), []
    (source / "f3.png").unlink()
    enhance(Enhancement("gamma", source, tmp_path / "out", clip=True), tell=said.append)
    assert said[-1].endswith("frames are missing among them: 3")


def test_a_method_that_loses_frames_or_gives_no_pictures_is_named(tmp_path: Path, use: Any):
    class Lossy(ClipMethod):
        def __call__(self, sample: Sample) -> Iterator[np.ndarray]:
            return itertools.islice(super().__call__(sample), 3)

    use(Lossy())
    with pytest.raises(MethodError, match="frame 3 of 5 was its last of the right size"):
        apply(folder(tmp_path / "in"), tmp_path / "out")
    bad = Sample("a", 1.0, clip=iter([np.full((3, 2, 2), np.nan, np.float32)]))
    with pytest.raises(MethodError, match="is no finite picture"):
        list(enhanced_clip(ClipMethod(), bad))


def test_a_frame_rate_is_a_number_or_a_fraction():
    assert wanted_rate("30000/1001") == Fraction(30000, 1001)
    assert wanted_rate("29.97") == Fraction(2997, 100)
    assert wanted_rate(None) is None
    for text in ("fast", "0", "-1", "1/0", "nan"):
        with pytest.raises(LowLightError, match="this is no frame rate"):
            wanted_rate(text)


def first_packets(source: Path, target: Path, count: int) -> None:
    """Copy the first packets of a video as they are coded."""
    av = pytest.importorskip("av")
    with av.open(str(source)) as given, av.open(str(target), "w") as file:
        stream = file.add_stream_from_template(given.streams.video[0])
        for packet in itertools.islice(given.demux(video=0), count):
            packet.stream = stream
            file.mux(packet)


def test_a_real_clip_is_enhanced_into_a_video_of_its_length_rate_and_size(
    tmp_path: Path, shared_data: Path
):
    whole = shared_data / "clip" / "MehdiElc_output.mp4"
    source = open_clip(whole)
    assert (len(source.names), source.rate, source.size) == (148, Fraction(7501, 250), (720, 1280))
    assert not source.deep
    first_packets(whole, tmp_path / "dark.mp4", 2)
    dark = [frame.planes for frame in open_clip(tmp_path / "dark.mp4").frames()]
    (video,) = apply(tmp_path / "dark.mp4", tmp_path / "lit.mp4")
    lit = open_clip(video)
    assert (len(lit.names), lit.size, lit.deep) == (len(dark), (720, 1280), False)
    assert (len(dark), lit.rate) == (2, open_clip(tmp_path / "dark.mp4").rate)
    for before, after in zip(dark, lit.frames(), strict=True):
        expected = GAMMA(Sample("", 1.0, srgb=before))
        assert np.abs(after.planes - expected).mean() < 0.01
