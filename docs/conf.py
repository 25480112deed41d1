"""How Sphinx makes the site. `docs/build` calls it, after `made.py` has written the pages of the
registries, the API reference and the notebooks into `docs/made/`."""

from __future__ import annotations

import hashlib
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import docstrings  # noqa: E402
import myst_nb.core.render  # noqa: E402

import contagion  # noqa: E402

project = "contagion"
author = "The contagion developers"
copyright = author
version = release = contagion.__version__
source = "https://github.com/contagion-risk/contagion"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
default_role = "code"
nitpicky = False

# pages and notebooks: every cell is executed, an error or a warning stops the build
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_output_stderr = "error"
nb_execution_in_temp = True
nb_merge_streams = True
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = ">>> |... "
copybutton_prompt_is_regexp = True

# what the pages run: when it changes, Sphinx reads and executes every page again
folders = [HERE.parent / name for name in ("contagion", "datasets", "examples")]
sources = [p for folder in folders for p in folder.rglob("*") if p.is_file()]
texts = b"".join(p.read_bytes() for p in sorted(sources) if p.suffix != ".pyc")
package_digest = hashlib.sha256(texts).hexdigest()

# the API reference
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
numpydoc_show_class_members = False
warnings.filterwarnings("ignore", "Unknown section Example")  # docstrings.py gives it its name
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = "contagion"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_sidebars = {"start": [], "index": []}
html_show_sourcelink = False
html_show_copyright = False
html_context = {"default_mode": "light"}
html_theme_options = {
    "github_url": source,
    "show_prev_next": True,
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["theme-version"],
    "footer_end": [],
    "show_toc_level": 2,
}


def joined(outputs: list) -> list:
    """Outputs of a cell, the text of each stream as one, exactly as it was written.

    MyST-NB ends every piece of a stream with a new line. A command writes in pieces that end
    anywhere, so that words would be broken.
    """
    found: list = []
    streams: dict = {}
    for output in outputs:
        name = output.get("name") if output["output_type"] == "stream" else None
        if name in streams:
            streams[name]["text"] += output["text"]
        else:
            found.append(output)
            if name:
                streams[name] = output
    return found


def setup(app) -> None:
    """Connect the docstrings of the package; a changed package executes every page."""
    app.add_config_value("package_digest", "", "env", str)
    myst_nb.core.render.coalesce_streams = joined
    app.connect("autodoc-process-docstring", docstrings.process, priority=400)
