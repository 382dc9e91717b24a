"""HTTP without nouns: the server, how a request becomes values, how an answer or an error becomes bytes.

A request passes `security.Guard`, then `errors.Envelopes`, then one of the routes that the modules of the nouns list;
whatever goes wrong on the way ends as an envelope with the status that `errors.STATUS_OF` has for it.
"""
