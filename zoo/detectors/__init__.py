"""Detectors on any backbone with any attention, in torch alone."""

from zoo.detectors.create import DETECTORS, DetectorArchitecture, create_detector
from zoo.detectors.detector import Detector, Target

__all__ = ["DETECTORS", "Detector", "DetectorArchitecture", "Target", "create_detector"]
