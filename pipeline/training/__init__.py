"""Training a critic's adapter on labelled exchanges. The one door to torch; needs the extra `adapter`."""
