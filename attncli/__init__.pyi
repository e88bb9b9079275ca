"""What type checkers see of `attncli`: each public name where it is defined."""

from attncli.api.aligning import align as align
from attncli.api.arrays import attend as attend
from attncli.api.batching import batch as batch
from attncli.api.compare import compare as compare
from attncli.api.diff import diff as diff
from attncli.api.evaluating import evaluate as evaluate
from attncli.api.evaluating import evaluate_pairs as evaluate_pairs
from attncli.api.explain import analyser as analyser
from attncli.api.explain import explain as explain
from attncli.api.explain import map_heads as map_heads
from attncli.api.exporting import export_model as export_model
from attncli.api.parts import Part as Part
from attncli.api.predicting import Prediction as Prediction
from attncli.api.predicting import predict as predict
from attncli.api.predicting import predict_file as predict_file
from attncli.api.reasons import why as why
from attncli.api.save import save as save
from attncli.api.save import show as show
from attncli.api.several import AttentionResult as AttentionResult
from attncli.api.several import AttnError as AttnError
from attncli.api.several import Results as Results
from attncli.api.training import LayerSettings as LayerSettings
from attncli.api.training import Offset as Offset
from attncli.api.training import Row as Row
from attncli.api.training import TrainingSettings as TrainingSettings
from attncli.api.training import cross_validate as cross_validate
from attncli.api.training import learning_curve as learning_curve
from attncli.api.training import train as train
from attncli.api.vectors import CorpusSettings as CorpusSettings
from attncli.api.vectors import evaluate_vectors as evaluate_vectors
from attncli.api.vectors import train_vectors as train_vectors
from attncli.api.view import from_attentions as from_attentions
from attncli.api.view import read as read
from attncli.api.view import view as view
from attncli.api.word_vectors import WordVectors as WordVectors
from attncli.api.word_vectors import open_vectors as open_vectors

__version__: str

def load_ipython_extension(shell: object) -> None: ...
