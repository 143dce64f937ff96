"""Where and with what arithmetic a run computes: device, precision, threads."""

import platform
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from bertune.base import processes
from bertune.base.errors import BertuneError
from bertune.base.sections import TrainingSection
from bertune.engine.threads import fastest_threads

TENSOR_CORES = (7, 0)  # the first compute capability of CUDA that has them


@dataclass(frozen=True)
class Compute:
    """Device, precision ("fp32", "bf16" or "fp16") and processor threads of a run."""

    device: torch.device
    precision: str
    threads: int


def compute(settings: TrainingSection) -> Compute:
    """The device, precision and threads that the settings ask for, checked against the machine; sets the threads."""
    device = _device(settings.device)
    precision = fast_precision(device) if settings.precision == "auto" else settings.precision
    auto = settings.threads == "auto"
    threads = fastest_threads(precision == "bf16" and device.type == "cpu") if auto else int(settings.threads)
    torch.set_num_threads(threads)
    return Compute(device, precision, threads)


def _device(name: str) -> torch.device:
    if name == "auto":
        if torch.cuda.is_available():
            place, count = processes.on_this_machine()
            return torch.device("cuda", place) if count > 1 else torch.device("cuda")
        return torch.device("mps") if torch.backends.mps.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except Exception as error:
        raise BertuneError(
            "this device cannot be used here.",
            where="training.device",
            expected="auto, cpu" + (", cuda" if torch.cuda.is_available() else ""),
            found=name,
        ) from error
    return device


def hardware() -> str:
    """cpu, cuda or mps: what a run takes when nothing is said."""
    return _device("auto").type


def has_bf16(device: torch.device) -> bool:
    """Whether bf16 is computed in hardware: emulated bf16 is slower than fp32, so it is not assumed."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags or ("bf16" in flags and "asimd" in flags)


def fast_precision(device: torch.device) -> str:
    """What a device computes fastest: bf16 where it is in hardware, fp16 on GPUs that have tensor cores for it alone
    (Volta, Turing), else fp32."""
    if has_bf16(device):
        return "bf16"
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= TENSOR_CORES:
        return "fp16"
    return "fp32"


def describe_machine() -> dict[str, str | int | float]:
    """What a record of a run says of the machine; no names of hosts or users."""
    return {
        "system": platform.system(),
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "accelerator": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none",
        "bf16": has_bf16(torch.device("cpu")),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def peak_memory_gb() -> float:
    """Highest resident memory of this process so far, in GB (2^30 bytes); on a GPU that of the device."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    try:
        import resource
    except ImportError:  # Windows
        return float(getattr(psutil.Process().memory_info(), "peak_wset", 0)) / 2**30
    scale = 1 if platform.system() == "Darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * scale / 2**30
