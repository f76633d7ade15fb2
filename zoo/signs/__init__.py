"""A renderer of road-sign crops: the demo task on which the zoo's classifiers are trained."""
