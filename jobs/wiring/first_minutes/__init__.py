"""The steps of `autossl setup` beside the services' files: each is one function, plain values in and a result out.

None asks anything, prints anything or knows of another one, so each can run in a process of its own, as the user who
may do it. The services' files are `jobs.wiring.setup`'s, the findings in the end `jobs.wiring.doctor`'s.
"""
