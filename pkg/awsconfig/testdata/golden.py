"""Writes botocore.json: what botocore reads from every file beside it.

Run by hand when a file is added (python3 golden.py, in this directory); the
tests compare with the result and need no Python.
"""
import glob
import json

from botocore.compat import compat_shell_split
from botocore.configloader import load_config
from botocore.exceptions import ConfigParseError

files = {}
for name in sorted(glob.glob("corpus/*.ini") + glob.glob("corners/*.ini")):
    try:
        files[name] = load_config(name)["profiles"]
    except ConfigParseError:
        files[name] = None

commands = {}
for line in [
    "", " ", "a b", "a  b\tc", "a 'b c' d", 'a "b c" d', "a 'b", 'a "b', "a\\ b", "a\\", "a\\\\b", 'a "b\\"c"',
    'a "b\\c\\\\d"', "a 'b\\'", "''", '""', "a '' b", "a'b'\"c\"d", "C:\\dir\\x.exe -n y", '"C:\\a b\\x.exe" y',
    'a "b\\\\" c', 'a \\"b\\" c', 'a b\\\\"c d"', "a\tb\r", "a # b", "a ; b", "x 'it'\"'\"'s'", "\u00e9 '\u00df'", "a\u00a0b", "a\u2003b",
]:
    for platform in ("linux", "windows"):
        try:
            words = compat_shell_split(line, "win32" if platform == "windows" else platform)
        except ValueError:
            words = None
        commands.setdefault(platform, {})[line] = words

with open("botocore.json", "w") as out:
    json.dump({"files": files, "commands": commands}, out, indent=1, sort_keys=True)
    out.write("\n")
