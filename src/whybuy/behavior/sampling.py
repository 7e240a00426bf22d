"""Weighted, stratified, seeded sampling of pairs."""

import ibis
from ibis.expr.types import FloatingColumn, StringColumn, Table

from whybuy.behavior.pairs import stable_hash
from whybuy.errors import ConfigError

_HEXADECIMAL = "0123456789abcdef"
_DIGITS = 10


def uniform(key: StringColumn, seed: int) -> FloatingColumn:
    """A number in (0, 1) for each key, the same on every engine: the first forty bits of a hash of seed and key."""
    digits = stable_hash(ibis.literal(str(seed)), key)
    places = [
        ibis.literal(_HEXADECIMAL).find(digits.substr(place, 1)) * 16.0 ** -(place + 1) for place in range(_DIGITS)
    ]
    return sum(places[1:], start=places[0]) + 16.0**-_DIGITS / 2


def sample_pairs(pairs: Table, products: Table, *, size: int, seed: int) -> Table:
    """At most `size` pairs, drawn without replacement by weight within strata of category and product type.

    Within a stratum the order is that of Efraimidis and Spirakis (2006): `-log(u) / weight`, smallest first, so broad
    queries, whose pairs weigh more, come first. Strata share the sample by the Sainte-Lague method and the
    square root of their weight: small types are sampled, large ones still count more (our design).

    pairs: `PAIR_SCHEMA`. products: product_id, product_type, root (first category). Kinds are strata of their own.

    Raises:
        ConfigError: the size is less than 1.
    """
    if size < 1:
        raise ConfigError(f"A sample of {size} pairs is asked for; take 1 or more, or leave the sample out for all.")
    homes = products.select(right=products.product_id, stratum_type=products.product_type, root=products.root)
    homed = pairs.left_join(homes, "right").drop("right_right")
    stratum = [homed.kind, homed.root, homed.stratum_type]
    keyed = homed.mutate(
        ticket=-uniform(homed.pair_id, seed).ln() / homed.weight,
        stratum_weight=homed.weight.sum().over(group_by=stratum),
    )
    rank = ibis.row_number().over(
        group_by=[keyed.kind, keyed.root, keyed.stratum_type], order_by=[keyed.ticket, keyed.pair_id]
    )
    seated = keyed.mutate(turn=(rank + 0.5) / keyed.stratum_weight.sqrt())
    drawn = seated.order_by([seated.turn, seated.pair_id]).limit(size)
    return drawn.select(pairs.columns)
