"""Aliases of column names by role, compared without case and punctuation.

Sources: Google Merchant product data specification, Shopify product CSV, schema.org Product, ESCI (Amazon shopping
queries), WANDS (Wayfair).
"""

import re
from enum import StrEnum


class Role(StrEnum):
    """What a column of a product feed holds; the value is the key under `columns` in store.toml."""

    PRODUCT_ID = "product_id"
    TITLE = "title"
    DESCRIPTION = "description"  # several columns are joined
    BRAND = "brand"
    PRODUCT_TYPE = "product_type"
    CATEGORY = "category"  # a path in one column, or several columns from the root down
    PRICE = "price"
    CURRENCY = "currency"
    URL = "url"
    IMAGE = "image"
    LOCALE = "locale"
    FEATURES = "features"  # "name:value|name:value"
    DETAILS = "details"  # "section:name:value,section:name:value", or JSON objects with name and value
    OFFERS = "offers"  # schema.org offers that are a list
    TAGS = "tags"  # comma-separated
    KIND = "kind"  # schema.org @type


JOINED = frozenset({Role.DESCRIPTION, Role.CATEGORY, Role.FEATURES, Role.DETAILS, Role.TAGS})
"""Roles whose columns all count."""

FIRST = frozenset({Role.BRAND, Role.PRICE, Role.CURRENCY, Role.URL, Role.IMAGE})
"""Roles that several columns may play; per row the first that is not blank counts."""

ALIASES: dict[Role, list[str]] = {
    Role.PRODUCT_ID: (
        "product_id productid item_id itemid parent_asin asin id product_sku sku upc ean gtin gtin13 gtin12 gtin14 "
        "isbn stock_code stockcode article_id article item product_code code mpn handle url_handle"
    ).split(),
    Role.TITLE: "title product_title product_name item_name name item_title productname label".split(),
    Role.DESCRIPTION: (
        "short_description shortdescription description product_description long_description longdescription "
        "body_html body product_bullet_point bullet_points product_highlight product_highlights summary about"
    ).split(),
    Role.BRAND: "brand brand_name product_brand manufacturer manufacturer_name vendor maker".split(),
    Role.PRODUCT_TYPE: "product_type product_class type producttype item_type".split(),
    Role.CATEGORY: (
        "category_hierarchy category_path categories product_category google_product_category category_tree taxonomy"
    ).split(),
    Role.PRICE: (
        "sale_price price product_price variant_price offers_price offers_lowprice unit_price list_price amount"
    ).split(),
    Role.CURRENCY: "currency price_currency pricecurrency offers_pricecurrency currency_code".split(),
    Role.URL: "url link product_url product_link canonical_link".split(),
    Role.IMAGE: "image image_link image_url image_src product_image_url image_contenturl main_image images".split(),
    Role.LOCALE: "locale product_locale language content_language lang inlanguage".split(),
    Role.FEATURES: "product_features features specifications specs".split(),
    Role.DETAILS: "product_detail product_details additionalproperty".split(),
    Role.OFFERS: ["offers"],
    Role.TAGS: "tags keywords".split(),
    Role.KIND: [],
}

LEVELS = "division department category aisle subcategory sub_category subclass class".split()
"""Columns that hold one level of a taxonomy each, from the root down; used when no column holds the whole path."""

ATTRIBUTES = frozenset(
    (
        "color colour product_color size material pattern gender age_group flavor flavour scent style fit season "
        "occasion size_type size_system energy_efficiency_class finish shape width height length depth weight "
        "format edition"
    ).split()
)
"""Columns that are attributes whatever their values look like."""

NO_ATTRIBUTE = re.compile(
    r"^(availability.*|condition|gtin.*|mpn|upc|ean|isbn|sku|asin|barcode|tax.*|shipping.*|inventory.*|variant_.*|seo_.*"
    r"|google_shopping.*|gift_card|image_.*|.*image.*|.*_link|link|url|offers.*|price.*|.*_price|cost.*|option\d.*|.*rating.*"
    r"|.*review.*|published.*|status|.*_id|id|created.*|updated.*|date.*|.*_date|.*time.*|quantity|qty|stock.*|split|custom_label.*"
    r"|identifier_exists|adult|ads_.*|mobile_.*|expiration.*|item_group.*|handle|url_handle|is_.*|context|type|count|.*_count"
    r"|store_.*|seller_.*|return_policy|feed_.*|channel|included_.*|customer.*|invoice.*|country|order.*|popularity|rank)$"
)
"""Names of columns that say nothing about the product itself."""


def column_key(column: str) -> str:
    """The form in which column names are compared: "g:Product Type" → "product_type"."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"^[gc]:", "", column.strip().casefold())).strip("_")
