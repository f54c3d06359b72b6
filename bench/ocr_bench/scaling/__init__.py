"""How many servers a load needs: what was measured on one, and a simulation of several."""
