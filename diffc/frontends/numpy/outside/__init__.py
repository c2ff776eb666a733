"""What a traced function reads and writes outside its arguments: paths to it, stand-ins for it, guards."""
