import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from lldata import protocol, render
from lldata.cfa import pack
from lldata.errors import LowLightError
from lldata.raw import decode
from lldata.synthesis import plan, sensor
from lldata.synthesis.camera import SOFTWARE, simulate

SIZE = (128, 192)
SONY = sensor.load(protocol.load_raw("sid_sony"))
CANON = ("canon6d_iso200", "canon6d_iso12600")


def take(out, *names, scenes=2, size=SIZE, **options):
    steps = simulate(
        [protocol.load_raw(n) for n in names], out, scenes=scenes, size=size, **options
    )
    return [step.path for step in steps]


def truth(out):
    return json.loads((out / "simulated.json").read_text())


def digests(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def by_scene(paths):
    """Return scene name -> (long frame, short frames)."""
    found = {}
    for path in paths:
        _, shorts = found.setdefault(path.name[:5], [None, []])
        if path.parent.name == "long":
            found[path.name[:5]][0] = path
        else:
            shorts.append(path)
    return found


def test_names_folders_and_exif_are_those_of_the_protocol(tmp_path):
    sony = protocol.load_raw("sid_sony")
    for path in take(tmp_path, "sid_sony", scenes=3):
        name = sony.parse_name(path.stem)
        frame = decode(path)
        assert path.parent.parent == tmp_path / "Sony"
        assert sony.matches_camera(frame.camera)
        assert frame.exposure_s == plan.shutter_s(float(name["exposure_s"]))
        assert (frame.f_number, frame.focal_length_mm, frame.lens) == (2.8, 35.0, "35mm f/2.8")
        assert (frame.black_level, frame.white_level) == ((512.0,) * 4, 16383)
        assert frame.cfa == "RGGB"
        assert frame.mosaic.shape == SIZE
        assert frame.software == SOFTWARE
        assert frame.synthetic


def test_a_rounded_name_stands_for_the_exact_shutter_time():
    assert [plan.shutter_s(s) for s in (0.033, 0.04, 0.1, 10)] == [1 / 30, 1 / 25, 1 / 10, 10]


def test_the_long_frame_is_taken_first_and_every_frame_at_its_own_time(tmp_path):
    paths = take(tmp_path, *CANON, scenes=3)
    times = [decode(path).time for path in paths]
    assert times == sorted(set(times))
    assert paths[0].parent.name == "long"


def test_every_pair_has_a_ratio_of_the_protocol(tmp_path):
    for long, shorts in by_scene(take(tmp_path, "sid_sony", scenes=8)).values():
        assert 1 <= len(shorts) <= 3
        for short in shorts:
            assert round(decode(long).exposure_s / decode(short).exposure_s) in (100, 250, 300)


def test_both_iso_sets_of_the_canon_stand_in_one_folder(tmp_path):
    paths = take(tmp_path, *CANON)
    isos = {(path.parent.parent.name, decode(path).iso) for path in paths}
    assert isos == {("Canon", 200.0), ("Canon_12600", 12800.0)}
    assert truth(tmp_path)["protocols"]["canon6d_iso200"]["stand_in"] == "Canon EOS 5D Mark IV"


def test_the_short_amplified_by_the_ratio_is_the_long_in_the_mean(tmp_path):
    for long, (short, *_) in by_scene(take(tmp_path, "sid_sony", scenes=4)).values():
        bright, dark = decode(long), decode(short)
        unclipped = bright.mosaic < bright.white_level
        ratio = bright.exposure_s / dark.exposure_s
        off = [SONY.noise.black_error(frame.iso) for frame in (dark, bright)]
        means = [
            (frame.mosaic.astype(float) - 512 - error)[unclipped].mean()
            for frame, error in zip((dark, bright), off, strict=True)
        ]
        assert means[0] * ratio == pytest.approx(means[1], rel=0.1)


def green(out, **changes):
    """Return a green plane of each long frame, DN above black, taken by a changed camera."""
    taken = by_scene(take(out, "sid_sony", cameras=[replace(SONY, **changes)]))
    return [
        pack(frame.mosaic.astype(float), frame.cfa)[1] - 512 - SONY.noise.black_error(frame.iso)
        for frame in (decode(long) for long, _ in taken.values())
    ]


def test_a_camera_exposed_half_as_much_sees_half_the_light(tmp_path):
    bright, dark = (green(tmp_path / f"{e}", exposed=e) for e in (0.3, 0.15))
    for one, other in zip(bright, dark, strict=True):
        assert other.mean() / one.mean() == pytest.approx(0.5, rel=0.02)


def test_a_lens_that_veils_everything_shows_the_mean_of_the_scene_everywhere(tmp_path):
    for plane in green(tmp_path / "veiled", veil=1.0):
        blocks = plane.reshape(4, 16, 6, 16).mean(axis=(1, 3))
        assert blocks == pytest.approx(np.full((4, 6), plane.mean()), rel=0.02)
    assert all(np.ptp(plane) > plane.mean() for plane in green(tmp_path / "clear"))


def test_white_comes_out_white_and_red_red(tmp_path):
    body = sensor.load(protocol.load_raw("sid_sony"))
    patches = np.zeros((64, 64, 3), dtype=np.float32)
    patches[:, :32], patches[:, 32:] = 0.5, (0.4, 0.05, 0.05)
    balance = (2.0, 1.0, 1.5, 1.0)
    mosaic = body.sample(body.camera_colours(patches, balance)) * body.range_dn() + 512
    (path, *_) = take(tmp_path, "sid_sony")
    frame = replace(decode(path), mosaic=mosaic.astype(np.uint16), white_balance=balance)
    light = render.linearise(render.render(frame) / 65535)
    assert light[20:40, 8:24].mean((0, 1)) == pytest.approx([0.5, 0.5, 0.5], rel=0.01)
    assert light[20:40, 40:56].mean((0, 1)) == pytest.approx([0.4, 0.05, 0.05], rel=0.05)


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path):
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        take(tmp_path / folder, "sid_sony", seed=seed)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a") != digests(tmp_path / "c")


def test_a_simulation_cut_short_is_completed_by_running_it_again(tmp_path):
    take(tmp_path / "whole", "sid_sony")
    steps = simulate([protocol.load_raw("sid_sony")], tmp_path / "cut", scenes=2, size=SIZE)
    next(steps)
    take(tmp_path / "cut", "sid_sony")
    assert digests(tmp_path / "cut") == digests(tmp_path / "whole")


def test_progress_counts_every_file(tmp_path):
    steps = list(simulate([protocol.load_raw("sid_sony")], tmp_path, scenes=2, size=SIZE))
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    assert all(step.path.is_file() for step in steps)


def test_no_photograph_is_in_two_splits_and_two_scenes_have_train_and_test(tmp_path):
    take(tmp_path, *CANON, scenes=20, size=(96, 96))
    splits = {}
    for scene, source in truth(tmp_path)["sources"].items():
        splits.setdefault(source, set()).add(scene[0])
    assert all(len(digits) == 1 for digits in splits.values())
    take(tmp_path / "two", "sid_sony")
    assert {scene[0] for scene in truth(tmp_path / "two")["sources"]} == {"0", "1"}


def test_the_source_of_every_scene_is_named_in_the_truth_and_in_the_file(tmp_path):
    paths = take(tmp_path, "sid_sony")
    for path in paths:
        source = truth(tmp_path)["sources"][path.name[:5]]
        assert f"Simulated capture of: {source}".encode() in path.read_bytes()


def test_x_trans_frames_are_taken(tmp_path):
    (path, *_) = take(tmp_path, "sid_fuji", scenes=1, size=(512, 518))
    frame = decode(path)
    assert frame.cfa == protocol.load_raw("sid_fuji").camera.cfa
    assert frame.black_level == (1024.0,) * 4
    assert render.wrap_difference(path, frame) < 1 / 65535


def test_hot_pixels_stay_where_they_are_and_show_most_in_the_long_frame(tmp_path):
    body = sensor.load(protocol.load_raw("canon6d_iso200"))
    rate = body.dark_rate((200, 300))
    assert np.array_equal(rate, body.dark_rate((200, 300)))
    hottest = np.unravel_index(rate.argmax(), rate.shape)
    dark = np.zeros((200, 300))
    noise = body.noise.at(12800)
    long, short = (body.capture(dark, s, noise, [1]).astype(int) for s in (30, 0.1))
    assert long[hottest] - 2048 > 20 * abs(short[hottest] - 2048 - 3 * noise.read_sigma)
    assert long[-20:, -20:].mean() > long[:20, :20].mean() + 50  # amplifier glow


@pytest.mark.parametrize("kind", plan.FAULTS)
def test_a_fault_hits_exactly_the_scenes_named_in_the_truth(tmp_path, kind):
    take(tmp_path / "good", "sid_sony", scenes=4)
    take(tmp_path / "bad", "sid_sony", scenes=4, faults={kind: 2})
    good, bad = digests(tmp_path / "good"), digests(tmp_path / "bad")
    changed = {path.name[:5] for path in good if bad[path] != good[path]} - {"simul"}
    assert len(changed) == 2
    assert set(truth(tmp_path / "bad")["faults"][kind]) == changed


def faulty(tmp_path, kind):
    paths = take(tmp_path, "sid_sony", scenes=2, faults={kind: 1})
    long, (short, *_) = by_scene(paths)[truth(tmp_path)["faults"][kind][0]]
    return long, short


def test_a_saturated_scene_is_mostly_clipped(tmp_path):
    frame = decode(faulty(tmp_path, "saturated")[0])
    assert (frame.mosaic >= frame.white_level).mean() > 0.5


def test_a_wrong_iso_stands_in_the_shorts_only(tmp_path):
    long, short = (decode(path) for path in faulty(tmp_path, "wrong_iso"))
    assert short.iso == 4 * long.iso


def test_a_wrong_exposure_is_three_times_what_the_file_says(tmp_path):
    long, short = (decode(path) for path in faulty(tmp_path, "wrong_exposure"))
    light = [pack(f.mosaic.astype(np.float64) - 512, f.cfa).mean() for f in (short, long)]
    assert light[0] * long.exposure_s / short.exposure_s / light[1] == pytest.approx(3, rel=0.15)


def test_a_truncated_file_is_refused_by_the_reader(tmp_path):
    with pytest.raises(LowLightError, match="bytes of its pixel data are missing"):
        decode(faulty(tmp_path, "truncated")[0])


@pytest.mark.parametrize(
    ("kind", "apart"), [("misaligned", True), ("swapped", True), (None, False)]
)
def test_a_misaligned_or_swapped_short_does_not_lie_on_its_long(tmp_path, kind, apart):
    faults = {kind: 1} if kind else {}
    paths = take(tmp_path, "sid_sony", scenes=1, size=(256, 256), faults=faults)
    long, (short, *_) = by_scene(paths)["00001"]
    planes = [pack(decode(p).mosaic.astype(np.float64), "RGGB")[1] for p in (long, short)]
    spectrum = np.fft.fft2(planes[0] - planes[0].mean()) * np.conj(
        np.fft.fft2(planes[1] - planes[1].mean())
    )
    peak = np.unravel_index(np.fft.ifft2(spectrum).real.argmax(), planes[0].shape)
    moved = max(min(at, size - at) for at, size in zip(peak, planes[0].shape, strict=True))
    assert bool(moved > 2) is apart


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"faults": {"blurred": 1}}, "--fault blurred=1: no such fault, but the faults are mis"),
        ({"faults": {"swapped": -1}}, "--fault swapped=-1: the number is negative"),
        ({"faults": {"swapped": 2, "saturated": 1}}, "3 faults are asked for, but there are 2"),
        ({"size": (127, 192)}, "--size 127x192: such a mosaic is not taken"),
        ({"size": (32, 32)}, "even and at least 96"),
        ({"scenes": 0}, "--scenes 0: no such number"),
        ({"seed": -1}, "--seed -1: it is negative"),
    ],
)
def test_what_cannot_be_taken_is_refused_before_anything_is_written(tmp_path, options, message):
    with pytest.raises(LowLightError, match=message):
        take(tmp_path / "out", "sid_sony", **options)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(LowLightError, match="other files lie in it"):
        take(tmp_path, "sid_sony")
    with pytest.raises(LowLightError, match="it is a file, but a folder is needed"):
        take(tmp_path / "mine.txt", "sid_sony")
    take(tmp_path / "new", "sid_sony", seed=1)
    with pytest.raises(LowLightError, match="other files lie in it"):
        take(tmp_path / "new", "sid_sony", seed=2)


def test_a_protocol_without_a_simulated_camera_is_refused():
    sony = protocol.load_raw("sid_sony")
    other = replace(sony, camera=replace(sony.camera, models=("ILCE-1",)))
    with pytest.raises(LowLightError, match=r"its camera is Sony ILCE-1, but the simulator must"):
        sensor.load(other)
    with pytest.raises(LowLightError, match=r"^exposure_bracket: it is for any camera, but"):
        sensor.load(protocol.load_raw("exposure_bracket"))
