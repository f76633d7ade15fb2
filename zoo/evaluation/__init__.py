"""How good a network is: accuracy, calibration, COCO's average precision, and reports of them."""
