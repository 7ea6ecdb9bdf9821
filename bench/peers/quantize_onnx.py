"""A graph with weights of 8 bits, as ONNX Runtime makes it by default.

Run: python quantize_onnx.py FROM TO
"""

import os
import sys

from onnxruntime.quantization import QuantType, quantize_dynamic

source, to = sys.argv[1:3]
quantize_dynamic(source, f"{to}.part", weight_type=QuantType.QInt8)
os.replace(f"{to}.part", to)
