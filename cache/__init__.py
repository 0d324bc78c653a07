"""The HDF5 store and its rules. The only room that knows h5py."""
