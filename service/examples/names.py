"""What the examples have in common."""

CLASSIFIER, DETECTOR = "mbv2_simam", "retinanet_mbv2_simam"
OTHER_CLASSIFIER = "mbv2_none"
REQUEST_ID = "4f1c09a2b7d84e53a6c1d0927be83f15"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
