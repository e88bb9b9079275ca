"""What `attn --help` tells beside its options: exit codes, environment, pages, what is used most."""

# What each exit code says; the classes of `attncli.errors` end in these.
EXIT_CODES = {
    0: "All done; warnings are possible.",
    1: "A bug in attn; of attn diff: the two differ.",
    2: "A wrong option, or a value out of its range.",
    3: "Some sentences were set aside; each has its error record.",
    4: "Nothing to do: no sentence, or no word in it.",
    5: "A file is damaged or of the wrong kind, or a word unknown.",
    6: "A file cannot be opened or read.",
    7: "Refused: loading it could run code or reach out.",
    8: "A limit is passed: memory, line length, dimension, tokens.",
    9: "The result cannot be written; what was there is untouched.",
    10: "Another run works on this output.",
    11: "What was begun belongs to other inputs or options.",
    12: "Workers died more often than allowed.",
    13: "The result would not be finite, or a training diverged.",
    14: "An optional package is missing.",
    130: "Stopped by Ctrl-C; finished work is kept.",
    143: "Stopped by SIGTERM; finished work is kept.",
}

# Variables with what they do; those of other programs mean here what they mean there.
ENVIRONMENT = (
    ("ATTN_CONFIG", "File of attn config, whose keys are variables too: ATTN_WIDTH."),
    ("ATTN_CACHE_DIR", "Folder of converted vectors, for the platform's own."),
    ("ATTN_MODELS", "Folders of models beside those of Hugging Face, Ollama and others."),
    ("ATTN_VECTORS_MIRROR", "Where attn vectors fetch looks, as --mirror."),
    ("ATTN_PURE", "Leave the compiled loops; the same bytes, later."),
    ("ATTN_DEBUG", "Print the traceback of a bug in attn, as --debug."),
    ("GENSIM_DATA_DIR", "Folder of gensim's downloads, for ~/gensim-data."),
    ("HF_HUB_CACHE", "Folder of the Hugging Face cache."),
    ("HUGGINGFACE_HUB_CACHE", "The same, where the first is not set."),
    ("HF_HOME", "The folder above it, where neither is set."),
    ("XDG_CACHE_HOME", "Folder of every cache, where none of these is set."),
    ("NO_COLOR", "No color where --color is auto."),
    ("FORCE_COLOR", "Color in pipes too; 0 is none."),
    ("CLICOLOR_FORCE", "Color in pipes too, where neither of these is set."),
    ("CLICOLOR", "0 is no color."),
    ("TERM", "What the terminal is; dumb has no color."),
    ("COLORTERM", "How many colors it has: truecolor or 24bit."),
    ("COLUMNS", "Columns to use, where --width is not given."),
    ("OPENBLAS_NUM_THREADS", "Threads of a product, 1 if not set."),
    ("MKL_NUM_THREADS", "The same, of another library."),
    ("OMP_NUM_THREADS", "The same, of any library."),
)

# The pages of the documentation with the commands that each is for; "" is all of them.
PAGES = (
    ("README.md", "What attn does, by examples.", ()),
    ("docs/lecture.md", "The lecture's notes, command by command.", ("explain",)),
    (
        "docs/figures.md",
        "Figures for a paper: size, colors, grids, LaTeX.",
        ("explain", "compare", "view"),
    ),
    ("docs/gallery.md", "Every view, with pictures.", ("explain", "compare", "view", "diff")),
    ("docs/by-hand.md", "Exercises: your own matrices, the drawing.", ("explain",)),
    ("docs/formats.md", "What each format keeps and loses.", ("view", "batch", "schema")),
    (
        "docs/training.md",
        "Data, options and gradients of training.",
        ("train", "evaluate", "predict"),
    ),
    ("docs/howto/align.md", "Word alignment, and how it is measured.", ("align",)),
    ("docs/transformers.md", "Transformers that can be read and shown.", ("explain", "model")),
    ("docs/scaling.md", "Batches: formats, resume, speed, clusters.", ("batch",)),
    ("docs/vectors.md", "Your own vectors, the cache, unknown words.", ("vectors",)),
    ("docs/corpus.md", "Vectors learned from your own corpus.", ("vectors",)),
    ("docs/config.md", "Your own defaults, and batches by the clock.", ("config",)),
    ("docs/trust.md", "What is promised of files, each with its test.", ()),
    ("docs/install.md", "Systems, Pythons, optional packages.", ()),
    ("docs/architecture.md", "The design, and why.", ()),
)

MOST_USED = 10  # options in a short help
# The options of a short help, of commands that have more.
USED = {
    "explain": "--file --vectors --model --temperature --causal --layer --show --steps --output --json",
    "compare": "--file --word --neighbors --vectors --model --temperature --causal --top --output --json",
    "view": "--tokens --scores --index --layer --head --agg --show --steps --output --json",
    "align": "--gold --vectors --model --layer --head --choose-head --threshold --output --json --quiet",
    "train": "--output --text-column --label-column --split --vectors --epochs --held-out --patience --seed "
    "--resume",
    "evaluate": "--model --text-column --label-column --target-column --split --skip-bad --vectors "
    "--width --color --json",
    "predict": "--model --output --text-column --target-column --unsure --top --skip-bad --vectors "
    "--json --quiet",
    "batch": "--column --id --vectors --model --output --format --exclude --top --resume --workers",
    "vectors train": "--name --force --method --dim --window --epochs --min-count --skip-gram --seed "
    "--workers",
    "vectors import": "--name --limit --words --format --encoding --on-bad-line --max-memory "
    "--max-line --max-dim --json",
}
