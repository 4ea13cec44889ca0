"""Where rows live: tables, the workspace's folder, and the proof that it is whole."""
