"""The file formats by name; the first is what ships."""

from zoo.export.exporter import Exporter, ExportError
from zoo.export.torchscript import TorchScript

FORMATS = ("torchscript", "onnx")


def exporter(name: str) -> Exporter:
    """The exporter called ``name``, one of FORMATS.

    Raises:
        ExportError: no such format, or the packages it needs are not installed.
    """
    if name == "torchscript":
        return TorchScript()
    if name != "onnx":
        raise ExportError(f"there is no format {name!r}; there are: {', '.join(FORMATS)}")
    try:
        from zoo.export.onnx import Onnx  # noqa: PLC0415 - its packages are an extra of their own
    except ModuleNotFoundError as error:
        raise ExportError(f"ONNX needs {error.name}: install fovea[onnx]") from error
    return Onnx()
