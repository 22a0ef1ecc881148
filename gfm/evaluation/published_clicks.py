"""Published figures of segmentation and matting by clicks.

Source: Forte's thesis, tables 3.3, 3.5, 5.1 and 5.3 and section 3.3.3; the README of its released
code for the row "released". Errors of composition-100 are means over 20 clicks, whole image.
"""

from __future__ import annotations

Figures = dict[str, float]

PUBLISHED: dict[str, dict[str, Figures]] = {
    "grabcut": {
        "thesis ch. 3, SBD": {"noc@90": 2.54, "auc": 0.963, "above 99%": 0.62},
        "thesis ch. 3, synthetic": {"noc@90": 1.96, "auc": 0.968, "above 99%": 0.74},
        "thesis ch. 3, both": {"noc@90": 1.80, "auc": 0.974, "above 99%": 0.71},
        "thesis ch. 3, released": {"noc@90": 1.74},
        "iMatting": {"noc@90": 3.14},
        "CAMLG-IIS": {"noc@90": 3.58},
        "BRS": {"noc@90": 3.60},
        "FCTSFN": {"noc@90": 3.76},
        "IIS-LD": {"noc@90": 4.79},
        "RIS-Net": {"noc@90": 5.00},
        "IFCN": {"noc@90": 6.04},
    },
    "berkeley": {
        "thesis ch. 3, SBD": {"noc@90": 3.53, "auc": 0.942, "above 95%": 0.81},
        "thesis ch. 3, synthetic": {"noc@90": 3.46, "auc": 0.943, "above 95%": 0.82},
        "thesis ch. 3, both": {"noc@90": 3.04, "auc": 0.949, "above 95%": 0.83},
        "thesis ch. 3, released": {"noc@90": 2.93},
        "iMatting": {"noc@90": 4.97},
        "BRS": {"noc@90": 5.08},
        "CAMLG-IIS": {"noc@90": 5.60},
        "RIS-Net": {"noc@90": 6.03},
        "FCTSFN": {"noc@90": 6.49},
        "IFCN": {"noc@90": 8.65},
    },
    "sbd": {
        "thesis ch. 3, SBD": {"noc@85": 3.90, "above 95%": 0.55},
        "iMatting": {"noc@85": 5.75},
        "BRS": {"noc@85": 6.59},
        "IIS-LD": {"noc@85": 7.41},
        "IFCN": {"noc@85": 9.18},
    },
    "composition-100": {
        "iMatting": {"sad": 31.5, "mse": 0.0028, "grad": 13.5, "conn": 27.1},
        "FBA on the clicks": {"sad": 163.2, "mse": 0.0127, "grad": 24.7, "conn": 102.4},
        "ch. 3, band of 180 px, FBA": {"sad": 262.4, "mse": 0.0817, "grad": 115.9, "conn": 257.5},
        "ch. 3, band of 20 px, FBA": {"sad": 347.0, "mse": 0.1209, "grad": 168.0, "conn": 345.2},
        "Deep Image Matting": {"sad": 348.0, "mse": 0.0622, "grad": 72.7, "conn": 320.7},
        "IndexNet": {"sad": 350.8, "mse": 0.0720, "grad": 66.4, "conn": 330.1},
    },
}
