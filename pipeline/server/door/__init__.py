"""What stands between the network and the routes: keys, and bounds on a request's body."""
