"""Every decision of the product: values in, values out.

Code in this folder does no I/O, reads no clock (`now` is an argument), keeps no global state and
imports nothing of ours from outside the folder.
"""
