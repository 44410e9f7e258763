"""The installed tree: moved after it was installed, then used by projects of others and as a command."""

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

import pages
import support
from installation import CXX, PLAIN, TORCH, fake_torch, files, naming_this_machine, run

CONSUMER = support.ROOT / "tests" / "consumer"
PUBLIC = {"graftwork", "error", "graph", "pattern", "transform", "network", "load"}
PUBLIC |= {"capture", "executor", "quantize", "onnx"}
# A user pays for what he includes: no dispatcher, no front end of torch, nothing that the library is made with.
FOREIGN = re.compile(r"ATen/(core/dispatch/Dispatcher|ATen)\.h|torch/(?!headeronly/)|nlohmann/|google/|onnx")


@pytest.fixture(scope="module")
def build(graftwork):
    return graftwork.path.parents[1]


@pytest.fixture(scope="module")
def installed(build, tmp_path_factory):
    """The prefix, at another place than where it was installed to."""
    folder = tmp_path_factory.mktemp("install")
    run("cmake", "--install", build, "--prefix", folder / "first")
    return (folder / "first").rename(folder / "moved")


def build_by_cmake(installed, folder, setting, flags):
    options = [f"-DCMAKE_BUILD_TYPE={setting}", f"-DCMAKE_CXX_FLAGS_{setting.upper()}={flags}"]
    run("cmake", "-S", CONSUMER, "-B", folder, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={installed}", *options)
    run("cmake", "--build", folder)


@pytest.fixture(scope="module")
def programs(installed, tmp_path_factory):
    """The outside project's program by setting. The library itself is built with NDEBUG."""
    flags = {"Release": "-O2 -DNDEBUG", "Debug": "-O0 -UNDEBUG"}
    folders = {name: tmp_path_factory.mktemp(name) for name in flags}
    with ThreadPoolExecutor(2) as two:
        list(two.map(lambda name: build_by_cmake(installed, folders[name], name, flags[name]), flags))
    return {name: folder / "consumer" for name, folder in folders.items()}


# The tree.


def test_what_is_installed(installed, golden):
    golden("installed_files.txt", "\n".join(files(installed)) + "\n")


def test_headers_are_the_public_ones(installed):
    headers = {path.name for path in (installed / "include" / "graftwork").iterdir()}
    assert headers == {path.name for path in (support.ROOT / "include" / "graftwork").iterdir()}
    assert {Path(name).stem for name in headers} <= PUBLIC


def test_nothing_names_where_it_was_built_or_installed(installed, build):
    assert naming_this_machine(installed, build, installed.parent / "first") == ["lib/graftwork/torch"]


def test_what_names_this_machine_is_found(tmp_path):
    (tmp_path / "a.so").write_bytes(b"\0" + bytes(support.ROOT) + b"/src/a.cpp\0")
    (tmp_path / "b.pc").write_text(f"torch={TORCH}\n")
    (tmp_path / "c.txt").write_text("nothing\n")
    (tmp_path / "d").symlink_to(tmp_path / "c.txt")
    (tmp_path / "e").symlink_to("c.txt")
    assert naming_this_machine(tmp_path) == ["a.so", "b.pc", "d"]


def test_the_one_link_leads_to_torch(installed):
    assert (installed / "lib" / "graftwork" / "torch").resolve() == TORCH.resolve()


@pytest.mark.parametrize("component", ["library", "command"])
def test_components_are_installed_alone(build, installed, tmp_path, component):
    run("cmake", "--install", build, "--prefix", tmp_path, "--component", component)
    there = set(files(tmp_path))
    assert there < set(files(installed))
    assert ("bin/graftwork" in there) == (component == "command")
    assert ("include/graftwork/graftwork.h" in there) == (component == "library")
    assert "lib/graftwork/torch" in there
    assert "share/doc/graftwork/LICENSE" in there


# The library.


def test_the_library_exports_its_interface_alone(installed, golden):
    listed = run("nm", "-D", "--defined-only", "-C", installed / "lib" / "libgraftwork.so")
    symbols = sorted({re.sub(r"^[0-9a-f]* +", "", line) for line in listed.splitlines()})
    names = [symbol.split(" ", 1)[1] for symbol in symbols]
    special = r"(typeinfo for|typeinfo name for|vtable for) "
    foreign = [name for name in names if not re.match(rf"({special})?graftwork::(?!core::)", name)]
    assert foreign == []
    # Weak ones are inline functions: whether the compiler leaves a copy of one here is its own business.
    golden("library_symbols.txt", "".join(f"{symbol}\n" for symbol in symbols if not symbol.startswith("W ")))


@pytest.mark.parametrize("setting", ["Release", "Debug"])
def test_an_outside_project_builds_and_runs(programs, setting):
    version, *said = run(programs[setting]).splitlines()
    assert f"project(graftwork VERSION {version} " in (support.ROOT / "CMakeLists.txt").read_text()
    assert said == [
        "consumer.code | a message | a place | a hint",
        "file.missing",
        "error[file.missing]: there is no file /nowhere.pt2",
        "  at  /nowhere.pt2",
        "  try checking the path",
        "error[",
        "99.5 17 conv1 0.25",
        "3 nodes, 1 patterns, sum 18",
        *(["NDEBUG"] if setting == "Release" else []),
    ]


def test_a_project_without_torch_is_told_which_to_name(installed, tmp_path):
    (tmp_path / "torch").mkdir()
    asked = ["cmake", "-S", CONSUMER, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={installed}"]
    done = subprocess.run(
        [*asked, f"-DGRAFTWORK_TORCH={tmp_path / 'torch'}"], env=PLAIN, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    said = re.sub(r"\s+", " ", done.stderr)
    assert f"GRAFTWORK_TORCH={tmp_path / 'torch'}" in said
    for place in ("CMAKE_PREFIX_PATH", ".venv", 'python3 -c "import torch"'):
        assert place in said


def test_a_project_with_another_torch_is_refused(installed, tmp_path):
    """libtorch keeps its binary interface within a minor version."""
    other = fake_torch(tmp_path / "torch", "2.9.1")
    asked = ["cmake", "-S", CONSUMER, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={installed};{other}"]
    done = subprocess.run(asked, env=PLAIN, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"this is torch 2.9.1: {other}" in re.sub(r"\s+", " ", done.stderr)


def include_options(installed):
    torch_headers = installed / "lib" / "graftwork" / "torch" / "include"
    return ["-std=c++20", f"-I{installed}/include", "-isystem", str(torch_headers)]


def test_each_public_header_compiles_alone(installed, tmp_path):
    def compile_alone(header):
        source = tmp_path / f"{header.stem}.cpp"
        source.write_text(f"#include <graftwork/{header.name}>\n#include <graftwork/{header.name}>\n")
        warnings = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror", "-fsyntax-only"]
        run(CXX, *include_options(installed), *warnings, source)

    with ThreadPoolExecutor(2) as two:
        list(two.map(compile_alone, sorted((installed / "include" / "graftwork").iterdir())))


def test_public_headers_reach_no_foreign_ones(installed, tmp_path):
    (tmp_path / "all.cpp").write_text("#include <graftwork/graftwork.h>\n")
    rule = run(CXX, *include_options(installed), "-M", tmp_path / "all.cpp")
    reached = rule.replace("\\\n", " ").split()[1:]
    public = {Path(path).name for path in reached if "/include/graftwork/" in path}
    assert public == {path.name for path in (installed / "include" / "graftwork").iterdir()}, "the umbrella has all"
    within = [path.removeprefix("/usr/include/").split("/torch/include/")[-1] for path in reached]
    assert [path for path in within if FOREIGN.match(path)] == []


# Types with a definition at the outermost level of a header; `Held` is a template.
TYPES = re.compile(r"^(?:struct|class|enum class) (?:GRAFTWORK_API )?(\w+)(?: final)?(?: : [\w: ]+)? \{", re.M)


def test_no_layout_depends_on_the_setting(installed, tmp_path):
    """What the library and a program that was built with another NDEBUG hand to each other (`make mixed-builds`)."""
    headers = [path.read_text() for path in (installed / "include" / "graftwork").iterdir()]
    types = sorted({name for header in headers for name in TYPES.findall(header)})
    assert {"Error", "Network", "Extent", "TensorQuantConfig", "QatNetwork", "Precision"} <= set(types)
    names = ["detail::Held<const int>" if name == "Held" else name for name in types]
    source = tmp_path / "layouts.cpp"
    source.write_text(
        "#include <graftwork/graftwork.h>\n#include <iostream>\n"
        '#define SAY(T) std::cout << #T << " " << sizeof(graftwork::T) << " " << alignof(graftwork::T) << "\\n";\n'
        "int main() {\n" + "".join(f"  SAY({name})\n" for name in names) + "}\n"
    )

    def layouts(setting):
        program = tmp_path / setting.strip("-")
        run(CXX, *include_options(installed), setting, source, "-o", program, f"-L{TORCH}/lib", "-lc10")
        return run(program, env={"LD_LIBRARY_PATH": str(TORCH / "lib")})

    with ThreadPoolExecutor(2) as two:
        with_it, without = two.map(layouts, ("-DNDEBUG", "-UNDEBUG"))
    assert with_it == without
    assert len(with_it.splitlines()) == len(types)


@pytest.mark.parametrize("header", ["ATen/ATen.h", "torch/torch.h", "nlohmann/json.hpp", "onnx.pb.h"])
def test_foreign_headers_are_known(header):
    assert FOREIGN.match(header)


@pytest.mark.parametrize("way", ["add_subdirectory", "FetchContent"])
def test_a_parent_project_keeps_its_settings(tmp_path, way):
    """Configured only: building it all takes minutes (`make subproject`)."""
    run(
        *("cmake", "-S", CONSUMER / "add_subdirectory", "-B", tmp_path, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"),
        *(f"-DGRAFTWORK_SOURCE={support.ROOT}", f"-DFETCH={'ON' if way == 'FetchContent' else 'OFF'}"),
    )
    rules = (tmp_path / "build.ninja").read_text()
    assert "build libraries/libgraftwork.so.0" in rules, "the parent says where libraries go"
    flags = set(re.findall(r"^  FLAGS = .*$", rules, re.M))
    assert flags
    assert all("-O1" in line and "-O2" not in line and "-Werror" not in line for line in flags)
    assert "gtest" not in rules.lower()
    assert "CLI/" not in rules


# docs/install.md, from its first line to its last in one home folder.


def run_shell(lines, folder, home):
    done = subprocess.run(
        ["bash", "-e", "-c", lines],
        cwd=folder,
        env=PLAIN | {"HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def test_the_page_is_right(build, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "build").symlink_to(build)
    shown = pages.blocks("docs/install.md")
    for block in shown:
        if block.file:
            (folder / block.file).write_text(block.body)
        elif block.language == "sh":
            run("bash", "-e", "-c", block.body, cwd=folder, env={"HOME": str(tmp_path)})
        else:
            assert block.language == "console"
            commands = [line[2:] for line in block.body.splitlines() if line.startswith("$ ")]
            said = [line + "\n" for line in block.body.splitlines() if not line.startswith("$ ")]
            assert run_shell("\n".join(commands), folder, tmp_path) == "".join(said), commands
    assert len(shown) >= 8


def test_the_page_has_fetch_content_right(tmp_path):
    """With this tree in the place of the repository; configured only."""
    (block,) = [block for block in pages.blocks("docs/install.md") if block.file == "FetchContent.cmake"]
    here, replaced = re.subn(r"GIT_REPOSITORY \S+ GIT_TAG \w+", f"SOURCE_DIR {support.ROOT}", block.body)
    assert replaced == 1
    uses = "add_executable(p p.cpp)\ntarget_link_libraries(p PRIVATE Graftwork::graftwork)\n"
    (tmp_path / "CMakeLists.txt").write_text(f"cmake_minimum_required(VERSION 3.25)\nproject(p)\n{here}{uses}")
    (tmp_path / "p.cpp").write_text("int main() {}\n")
    run("cmake", "-S", tmp_path, "-B", tmp_path / "b", "-G", "Ninja")


# The command.


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network as a .pt2 file, which only the torch half reads."""
    path = tmp_path_factory.mktemp("network") / "net.pt2"
    torch.export.save(torch.export.export(torch.nn.Linear(3, 2), (torch.ones(1, 3),)), path)
    return path


@pytest.fixture
def unpacked(installed, tmp_path):
    """A copy of the command on a machine where the link leads nowhere, and where there is a python3 without torch."""
    prefix = tmp_path / "opt" / "graftwork"
    for file in ("bin/graftwork", "lib/graftwork/libgraftwork_torch.so"):
        (prefix / file).parent.mkdir(parents=True)
        shutil.copy2(installed / file, prefix / file)
    (prefix / "lib" / "graftwork" / "torch").symlink_to("/nowhere/torch")
    python = tmp_path / "programs" / "python3"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\necho\n")
    python.chmod(0o755)
    return prefix


def inspect(prefix, network, **variables):
    """The unpacked command, with the python3 of the folder beside and variables of the environment."""
    path = f"{prefix.parents[1] / 'programs'}:/usr/bin:/bin"
    command = [prefix / "bin" / "graftwork", "inspect", network]
    environment = {"PATH": path, "LANG": "C.UTF-8"} | {name: str(value) for name, value in variables.items()}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def put_environment(folder, package=TORCH):
    at = folder / ".venv" / "lib" / "python3.11" / "site-packages"
    at.mkdir(parents=True)
    (at / "torch").symlink_to(package)


def name_torch(prefix, _):
    return {"GRAFTWORK_TORCH": TORCH}


def put_venv_inside(prefix, _):
    put_environment(prefix)
    return {}


def put_venv_beside(prefix, _):
    put_environment(prefix.parent)
    return {}


def put_python(prefix, _):
    python = prefix.parents[1] / "programs" / "python3"
    python.write_text(f"#!/bin/sh\necho {TORCH}\n")
    return {}


def mend_link(prefix, _):
    link = prefix / "lib" / "graftwork" / "torch"
    link.unlink()
    link.symlink_to(TORCH)
    return {}


def name_torch_beside_another(prefix, folder):
    """What is named comes before what lies about."""
    put_environment(prefix, fake_torch(folder / "other" / "torch", "2.9.1"))
    return {"GRAFTWORK_TORCH": TORCH}


@pytest.mark.parametrize(
    "place",
    [name_torch, put_venv_inside, put_venv_beside, put_python, mend_link, name_torch_beside_another],
    ids=lambda place: place.__name__,
)
def test_the_command_finds_torch(unpacked, network, tmp_path, place):
    done = inspect(unpacked, network, **place(unpacked, tmp_path))
    assert done.returncode == 0, done.stderr
    assert "aten.linear" in done.stdout


def test_the_command_works_through_a_link(unpacked, network, tmp_path):
    put_environment(unpacked)
    (tmp_path / "graftwork").symlink_to(unpacked / "bin" / "graftwork")
    done = subprocess.run([tmp_path / "graftwork", "inspect", network], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_torch_the_command_says_what_it_looked_for(unpacked, network):
    done = inspect(unpacked, network)
    assert done.returncode == 1
    version = ".".join(torch.__version__.split(".")[:2])
    assert f"error[build.torch]: there is no torch {version}, neither in a .venv beside {unpacked} nor" in done.stderr
    assert "GRAFTWORK_TORCH=" in done.stderr


def test_another_torch_is_named_and_refused(unpacked, network, tmp_path):
    other = fake_torch(tmp_path / "other" / "torch", "2.9.1")
    named = inspect(unpacked, network, GRAFTWORK_TORCH=other)
    assert named.returncode == 1
    assert "GRAFTWORK_TORCH names torch 2.9.1+cpu, and this graftwork was built with torch 2." in named.stderr
    put_environment(unpacked, other)
    beside = inspect(unpacked, network)
    assert beside.returncode == 1
    assert "is torch 2.9.1+cpu" in beside.stderr


def test_a_name_without_torch_is_refused(unpacked, network, tmp_path):
    done = inspect(unpacked, network, GRAFTWORK_TORCH=tmp_path)
    assert done.returncode == 1
    assert f"GRAFTWORK_TORCH names {tmp_path}, which has no lib/libtorch_cpu.so" in done.stderr


def test_what_needs_no_torch_runs_without(unpacked, tmp_path):
    (tmp_path / "net.gir").write_text("graph(%x: f32[1, 3]) {\n  %y = aten.relu.default(%x)\n  return output=%y\n}\n")
    done = inspect(unpacked, tmp_path / "net.gir")
    assert done.returncode == 0, done.stderr
