"""The shared vocabulary of Sluice: records, identity, access, counts, errors and settings.

Everything here is pure: no network, no clock, no third-party service. Every other package may import it;
it imports none of them.
"""
