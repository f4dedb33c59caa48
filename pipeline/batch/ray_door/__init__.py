"""The one door to Ray: workers on the nodes of a cluster, each of which holds an engine of its own."""

from pipeline.batch.ray_door.cluster import Cluster, Needs, connected
from pipeline.batch.ray_door.runner import RayRunner

__all__ = ["Cluster", "Needs", "RayRunner", "connected"]
