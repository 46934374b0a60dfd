"""What researchers pull: consented trajectories, in an order that loses none."""
