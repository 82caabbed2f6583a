"""Reading the arrays of an SMPL model file that is a pickle, without running what a pickle may say.

The pickles that the body models' authors give out were written by Python 2 and hold objects of the
package chumpy, which no current Python installs. A pickle is a program; here it may only name
NumPy's arrays, SciPy's sparse matrices, and two classes of chumpy, and instead of the latter two
kinds it gets plain containers that keep the state they were saved with. Any other name is refused
before it is looked up.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


class PickleError(ValueError):
    """A pickle holds something that no SMPL model file needs."""


class _Kept:
    """Stands for an object of another package: its state, and nothing else."""

    def __init__(self, *_: object) -> None:
        self.state: Mapping[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        # Python 2 may put the attributes into a pair, beside the (empty) slots.
        found = state[0] if isinstance(state, tuple) else state
        if not isinstance(found, dict):
            raise PickleError(f"the state of a {type(self).__name__[1:]} is not a dictionary")
        self.state = found


class _Ch(_Kept):
    """``chumpy.ch.Ch``: an array, as ``x``."""


class _Select(_Kept):
    """``chumpy.reordering.Select``: what indexing a ``Ch`` gives."""


class _Csc(_Kept):
    """A sparse matrix by columns."""


class _Csr(_Kept):
    """A sparse matrix by rows."""


def _reconstructed(kind: object, base: object, _state: object = None) -> _Kept:
    """What ``copy_reg._reconstructor`` does for classes of protocol 0 and 1, for ours only."""
    if not (isinstance(kind, type) and issubclass(kind, _Kept) and base is object):
        raise PickleError("it reconstructs an object that is no array")
    return kind()


def _encoded(text: object, encoding: object) -> bytes:
    """How Python 3 writes bytes in the protocols of Python 2."""
    if not isinstance(text, str) or encoding != "latin1":
        raise PickleError("it encodes something that is not an array's bytes")
    return text.encode("latin1")


def _admitted() -> dict[tuple[str, str], object]:
    names: dict[tuple[str, str], object] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encoded,
        ("copy_reg", "_reconstructor"): _reconstructed,
        ("copyreg", "_reconstructor"): _reconstructed,
        ("__builtin__", "object"): object,
        ("builtins", "object"): object,
        # Chumpy notes in a set which of its arrays changed.
        ("__builtin__", "set"): set,
        ("builtins", "set"): set,
        ("chumpy.ch", "Ch"): _Ch,
        ("chumpy", "Ch"): _Ch,
        ("chumpy.reordering", "Select"): _Select,
    }
    # The functions that NumPy itself writes into pickles of arrays and of single numbers.
    array_function, scalar_function = np.empty(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
        names[module, "_reconstruct"] = array_function
        names[module, "scalar"] = scalar_function
    for letter, kind in (("c", _Csc), ("r", _Csr)):
        for module in (f"scipy.sparse.cs{letter}", f"scipy.sparse._cs{letter}", "scipy.sparse"):
            names[module, f"cs{letter}_matrix"] = kind
            names[module, f"cs{letter}_array"] = kind
    return names


class _Unpickler(pickle.Unpickler):
    """Admits what ``_admitted`` lists."""

    _names = _admitted()

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._names[module, name]
        except KeyError:
            raise PickleError(
                f"it names {module}.{name}, which no SMPL model file needs; only NumPy arrays, "
                "SciPy sparse matrices and chumpy's Ch and Select are read"
            ) from None

    def persistent_load(self, _pid: object) -> Any:
        raise PickleError("it refers to objects outside the file")


def read_pickle(path: Path, wanted: frozenset[str]) -> dict[str, NDArray[Any]]:
    """The arrays of an SMPL model file that is a pickle.

    Args:
        path: the file.
        wanted: names of the arrays that are read; everything else in the file is left alone.

    Returns:
        Those of the wanted arrays that the file holds; sparse ones made dense.

    Raises:
        PickleError: the file is not a pickle of a dictionary, or names anything but arrays.
    """
    with path.open("rb") as file:
        try:
            found = _Unpickler(file, encoding="latin1").load()
        except PickleError as error:
            raise PickleError(f"{path.name} was not read: {error}") from None
        except Exception as error:  # a damaged pickle may raise anything
            raise PickleError(f"{path.name} is not a pickle that can be read: {error}") from error
    if not isinstance(found, dict):
        raise PickleError(f"{path.name} holds a {type(found).__name__}, not named arrays")
    arrays = {}
    for name in wanted & found.keys():
        try:
            arrays[name] = _array(found[name])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise PickleError(f"{path.name}: {name} cannot be read as an array: {error}") from error
    return arrays


def _array(value: Any) -> NDArray[Any]:
    if isinstance(value, _Ch):
        return _array(value.state["x"])
    if isinstance(value, _Select):
        picked: NDArray[Any] = _array(value.state["a"]).ravel()[_array(value.state["idxs"])]
        return picked.reshape(value.state.get("preferred_shape", picked.shape))
    if isinstance(value, (_Csc, _Csr)):
        return _dense(value)
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"it is of {array.dtype}, not of numbers")
    return array


def _dense(value: _Csc | _Csr) -> NDArray[Any]:
    from scipy import sparse

    state = value.state
    parts = tuple(_array(state[name]) for name in ("data", "indices", "indptr"))
    shape = tuple(int(size) for size in state["_shape"])
    kind = sparse.csc_matrix if isinstance(value, _Csc) else sparse.csr_matrix
    matrix = kind(parts, shape=shape)
    matrix.check_format(full_check=True)
    dense: NDArray[Any] = matrix.toarray()
    return dense
