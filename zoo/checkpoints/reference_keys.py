"""Names of the reference mechanisms' parameters, one table a published implementation.

From dotted parts of our keys to the published ones; parts that are not listed are the same.
"""

FLAT_SE = {"fc.0": "fc1", "fc.2": "fc2"}
CBAM = {
    "channel.mlp.0": "ChannelGate.mlp.1",
    "channel.mlp.2": "ChannelGate.mlp.3",
    "spatial.conv": "SpatialGate.spatial.conv",
    "spatial.norm": "SpatialGate.spatial.bn",
}
ARTICLE_CBAM = {"channel.mlp": "ca.se", "spatial.conv": "sa.conv"}
BAM = {
    "channel.0": "channel_att.gate_c.gate_c_fc_0",
    "channel.1": "channel_att.gate_c.gate_c_bn_1",
    "channel.3": "channel_att.gate_c.gate_c_fc_final",
    "spatial.0": "spatial_att.gate_s.gate_s_conv_reduce0",
    "spatial.1": "spatial_att.gate_s.gate_s_bn_reduce0",
    "spatial.3": "spatial_att.gate_s.gate_s_conv_di_0",
    "spatial.4": "spatial_att.gate_s.gate_s_bn_di_0",
    "spatial.6": "spatial_att.gate_s.gate_s_conv_di_1",
    "spatial.7": "spatial_att.gate_s.gate_s_bn_di_1",
    "spatial.9": "spatial_att.gate_s.gate_s_conv_final",
}
ARTICLE_BAM = {
    "channel.0": "ca.ca.fc0",
    "channel.1": "ca.ca.bn0",
    "channel.3": "ca.ca.fc1",
    "channel.4": "ca.ca.bn1",
    "channel.6": "ca.ca.fc2",
    "channel.7": "ca.ca.bn2",
    "channel.9": "ca.ca.last_fc",
    "spatial.0": "sa.sa.conv_reduce1",
    "spatial.1": "sa.sa.bn_reduce1",
    "spatial.3": "sa.sa.conv_0",
    "spatial.4": "sa.sa.bn_0",
    "spatial.6": "sa.sa.conv_1",
    "spatial.7": "sa.sa.bn_1",
    "spatial.9": "sa.sa.conv_2",
    "spatial.10": "sa.sa.bn_2",
    "spatial.12": "sa.sa.last_conv",
}
PSA = {
    "channel.query": "conv_q_right",
    "channel.value": "conv_v_right",
    "channel.up": "conv_up",
    "spatial.query": "conv_q_left",
    "spatial.value": "conv_v_left",
}
ARTICLE_PSA = {
    "channel.query": "ch_wq",
    "channel.value": "ch_wv",
    "channel.up.0": "ch_wz",
    "channel.up.2": "ln",
    "spatial.query": "sp_wq",
    "spatial.value": "sp_wv",
}
COORDINATE = {"squeeze": "conv1", "norm": "bn1", "height": "conv_h", "width": "conv_w"}
MOBILE_COORDINATE = {"squeeze": "conv1", "norm": "bn1", "height": "conv2", "width": "conv3"}
GAM = {"channel": "channel_attention", "spatial": "spatial_attention"}
COPIED_GAM = {
    "channel.0": "linear1",
    "channel.2": "linear2",
    "spatial.0": "conv1",
    "spatial.1": "norm1",
    "spatial.3": "conv2",
    "spatial.4": "norm2",
}
ULSAM = {
    "depthwise": "conv_dws",
    "depthwise_norm": "bn_dws",
    "pointwise": "conv_point",
    "pointwise_norm": "bn_point",
}
ATTENTION = {"query": "query_conv", "key": "key_conv", "value": "value_conv"}
DANET_HEAD = {
    **ATTENTION,
    "position.0": "conv5a",
    "position.1": "sa",
    "position.2": "conv51",
    "channel.0": "conv5c",
    "channel.1": "sc",
    "channel.2": "conv52",
    "classify_position": "conv6",
    "classify_channel": "conv7",
    "classify_sum": "conv8",
}
