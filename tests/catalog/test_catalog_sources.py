"""Product feeds of every layout become products; what cannot be used is set aside or said."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whybuy.catalog.aliases import column_key
from whybuy.catalog.catalog import Catalog
from whybuy.catalog.recognize import CatalogSource, Layout, recognize_catalog
from whybuy.catalog.sources import CatalogReport, read_catalog
from whybuy.catalog.values import category_path, parse_details, parse_features, parse_price
from whybuy.errors import ArtifactError, ConfigError, InputError
from whybuy.records import PRODUCT_SCHEMA, Product


def shelve(
    folder: Path, name: str, content: str | bytes, source: CatalogSource | None = None
) -> tuple[Catalog, CatalogReport]:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    table, report = read_catalog([source or CatalogSource(name)], folder)
    assert table.schema.equals(PRODUCT_SCHEMA)
    return Catalog(table), report


# ---------------------------------------------------------------- layouts
MERCHANT = (
    "id\ttitle\tdescription\tlink\timage_link\tprice\tavailability\tbrand\tproduct_type\t"
    "google_product_category\tproduct_detail\tcolor\n"
    "A1\tSlip-on <b>Shoe</b>\tSoft &amp; light.\thttps://s.example/1\thttps://s.example/1.jpg\t25.00 USD\tin_stock\t"
    "Walkwell\tShoes > Women > Slip-on shoe\tApparel > Shoes\tGeneral:Sole:rubber, ribbed,General:Heel:flat\tblue\n"
)


def test_google_merchant(tmp_path: Path) -> None:
    catalog, report = shelve(tmp_path, "feed.tsv", MERCHANT)
    assert report.plans[0].layout is Layout.MERCHANT
    assert catalog.product("A1") == Product(
        product_id="A1",
        title="Slip-on Shoe",
        description="Soft & light.",
        brand="Walkwell",
        product_type="slip-on shoe",
        type_confidence=1.0,
        category=("Apparel", "Shoes"),
        attributes=(("color", "blue"), ("sole", "rubber, ribbed"), ("heel", "flat")),
        price=25.0,
        currency="USD",
        url="https://s.example/1",
        image="https://s.example/1.jpg",
    )


SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Option1 Name,Option1 Value,"
    "Option2 Name,Option2 Value,Variant SKU,Variant Price,Image Src\n"
    'mug,Camp Mug,"<p>Keeps coffee warm.</p>",Fernhill,Mug,"camping, gift",Color,Red,Size,S,M-1,12.00,'
    "https://s.example/m.jpg\n"
    "mug,,,,,,,Blue,,L,M-2,10.00,\n"
    "pan,Iron Pan,,Fernhill,Pan,,Title,Default Title,,,P-1,30.00,\n"
    "mug,,,,,,,,,,,,https://s.example/m2.jpg\n"
)


def test_shopify_variants_are_folded_into_their_product(tmp_path: Path) -> None:
    catalog, report = shelve(tmp_path, "products.csv", SHOPIFY)
    assert (report.plans[0].layout, report.duplicates) == (Layout.SHOPIFY, 0)
    assert catalog.ids == ("mug", "pan")
    mug = catalog.product("mug")
    assert (mug.title, mug.description, mug.brand, mug.price) == ("Camp Mug", "Keeps coffee warm.", "Fernhill", 10.0)
    assert set(mug.attributes) == {
        ("tag", "camping"), ("tag", "gift"), ("color", "Red"), ("color", "Blue"), ("size", "S"), ("size", "L"),
    }  # fmt: skip
    assert catalog.product("pan").attributes == ()


JSONLD = {
    "@context": "https://schema.org",
    "@graph": [
        {
            "@type": "Product",
            "sku": "00012",
            "name": "Desk Lamp",
            "description": "A lamp.",
            "brand": {"@type": "Brand", "name": "Glowmark"},
            "category": "Lighting > Desk lamp",
            "offers": [{"price": "40"}, {"price": 35.5, "priceCurrency": "EUR"}],
            "image": ["https://s.example/l.jpg"],
            "additionalProperty": [{"@type": "PropertyValue", "name": "Bulb", "value": "LED"}],
        },
        {
            "@type": "Product",
            "sku": "13",
            "name": "Rug",
            "brand": "Loomery",
            "offers": {"price": "20", "priceCurrency": "EUR"},
        },
        {"@type": "BreadcrumbList", "name": "Home"},
    ],
}


def test_schema_org(tmp_path: Path) -> None:
    catalog, report = shelve(tmp_path, "products.json", json.dumps(JSONLD))
    assert report.reading.set_aside == {"not a product": 1}
    lamp = catalog.product("00012")
    assert (lamp.price, lamp.currency, lamp.image) == (35.5, "EUR", "https://s.example/l.jpg")
    assert lamp.attributes == (("bulb", "LED"),)
    assert lamp.category == ("Lighting", "Desk lamp")
    assert lamp.brand == "Glowmark"


@pytest.mark.parametrize(
    ("offers", "price"),
    [
        (["https://s.example/offer/1"], (None, "")),
        (["https://s.example/1", 7, None, "{broken", {"price": "8", "priceCurrency": None}], (8.0, "")),
        ([[{"price": "9"}, {"lowPrice": 5, "priceCurrency": "EUR"}]], (5.0, "EUR")),
    ],
)
def test_offers_that_are_no_objects_say_no_price(tmp_path: Path, offers: object, price: tuple[float, str]) -> None:
    lamp = {"@type": "Product", "sku": "1", "name": "Lamp", "offers": offers}
    catalog, report = shelve(tmp_path, "products.json", json.dumps([lamp]))
    assert (catalog.product("1").price, catalog.product("1").currency) == price
    assert not report.reading.set_aside


def test_wands(tmp_path: Path) -> None:
    content = (
        "product_id\tproduct_name\tproduct_class\tcategory_hierarchy\tproduct_description\tproduct_features\trating_count\n"
        "0\tsolid wood bed\tBeds\tFurniture / Bedroom Furniture / Beds\tgood\tdsstyle:modern|color : brown|bad\t15\n"
        "1\tpine bed\tBeds\tFurniture / Bedroom Furniture / Beds\t\t\t3\n"
    )
    catalog, _ = shelve(tmp_path, "product.csv", content)
    bed = catalog.product("0")
    assert bed.product_type == "bed"
    assert bed.category == ("Furniture", "Bedroom Furniture", "Beds")
    assert bed.attributes == (("dsstyle", "modern"), ("color", "brown"))


def test_esci(tmp_path: Path) -> None:
    row = {
        "product_id": "B01", "product_title": "Widget", "product_description": "Does things.", "product_locale": "us",
        "product_bullet_point": "Light\nSmall", "product_brand": "Acme", "product_color": "Red",
    }  # fmt: skip
    catalog, report = shelve(
        tmp_path, "products.jsonl", json.dumps(row) + "\n" + json.dumps(row | {"product_id": "B02"})
    )
    product = catalog.product("B01")
    assert report.plans[0].layout is Layout.ESCI
    assert (product.brand, product.locale, product.attributes) == ("Acme", "us", (("color", "Red"),))
    assert product.description == "Does things. Light. Small"


def test_generic_names_with_short_and_long_description(tmp_path: Path) -> None:
    content = (
        "upc,name,manufacturer,short_description,long_description,color family,serial\n"
        + "".join(
            f"00{number},Thing {number},UNKNOWN,Short.,Long text {number}.,red,s{number}x\n" for number in range(30)
        )
        + "0099,Other,Acme,Same words,Same words and more,blue,s99x\n"
    )
    catalog, report = shelve(tmp_path, "feed.csv", content)
    assert catalog.product("001").description == "Short. Long text 1."
    assert catalog.product("0099").description == "Same words and more"
    assert catalog.product("001").brand == ""
    assert report.plans[0].attributes == ("color family",)


def test_levels_of_a_taxonomy_in_columns_of_their_own_are_a_path(tmp_path: Path) -> None:
    catalog, report = shelve(tmp_path, "feed.csv", "product_id,name,aisle,department\n1,Apple,fruits,food\n")
    assert catalog.product("1").category == ("food", "fruits")
    assert (catalog.product("1").product_type, report.typed) == ("", 0)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (
            '{"Color": "red", "Sizes": ["S", "M"], "Box": {"Depth": 2}, "UPC": "001"}',
            "color=red sizes=S sizes=M depth=2",
        ),
        ("{'Color': 'red', 'Wireless': True}", "color=red wireless=true"),
        ('[{"name": "Color", "value": "red"}, {"name": "Fit", "value": ["slim"]}]', "color=red fit=slim"),
        ("Color: red\nTalk Time: 7: 30 h", "color=red talk time=7: 30 h"),
    ],
)
def test_a_column_that_holds_many_attributes_is_read_whatever_its_name(
    tmp_path: Path, content: str, found: str
) -> None:
    rows = [{"id": str(number), "title": f"thing {number}", "extra": content} for number in range(3)]
    catalog, report = shelve(tmp_path, "feed.json", json.dumps(rows))
    assert next(use.use for use in report.plans[0].columns if use.column == "extra") == "details"
    assert all("\n" not in use.example for use in report.plans[0].columns)
    assert " ".join(f"{name}={value}" for name, value in catalog.product("1").attributes) == found


@pytest.mark.parametrize(
    "content", ["Time: now", "{broken", "[1, 2]", "a: b\nplain words", "https://s.example/1\nhttps:"]
)
def test_other_texts_are_no_lists_of_attributes(tmp_path: Path, content: str) -> None:
    rows = [{"id": str(number), "title": "thing", "extra": f"{content} {number}"} for number in range(30)]
    catalog, report = shelve(tmp_path, "feed.json", json.dumps(rows))
    assert [use.use for use in report.plans[0].columns if use.column == "extra"] == [""]
    assert catalog.product("1").attributes == ()


def test_features_in_prose_describe_the_product(tmp_path: Path) -> None:
    rows = [{"id": "1", "title": "a", "features": "Folds flat\nLight\nwrapped line.\nMachine: washable"}]
    catalog, _ = shelve(tmp_path, "feed.json", json.dumps(rows))
    assert catalog.product("1").description == "Folds flat. Light wrapped line. Machine: washable"
    html = [{"id": "1", "title": "a", "description": "<ul><li>Folds flat</li><li>Light</li></ul>"}]
    described, _ = shelve(tmp_path, "html.json", json.dumps(html))
    assert described.product("1").description == "Folds flat. Light"


def test_types_are_made_singular_only_where_most_are_plural(tmp_path: Path) -> None:
    plural, _ = shelve(tmp_path, "a.csv", "id,title,product_type\n1,a,Running Shoes\n2,b,Rings\n")
    assert plural.types() == ("ring", "running shoe")
    singular, _ = shelve(tmp_path, "b.csv", "id,title,product_type\n1,a,Shoe\n2,b,Ring\n3,c,pliers\n")
    assert singular.types() == ("pliers", "ring", "shoe")


# ---------------------------------------------------------------- what store.toml says
def test_a_person_can_say_what_the_columns_are(tmp_path: Path) -> None:
    source = CatalogSource(
        "feed.csv",
        columns={"product_id": "code", "title": ["label"], "description": ""},
        attributes=["shade"],
        locale="de",
        currency="EUR",
    )
    catalog, report = shelve(
        tmp_path, "feed.csv", 'code,label,description,shade,price\nx,Lampe,Text,rot,"1.299,00"\n', source
    )
    product = catalog.product("x")
    assert (product.title, product.description, product.attributes) == ("Lampe", "", (("shade", "rot"),))
    assert (product.locale, product.currency, product.price) == ("de", "EUR", 1299.0)
    assert {use.column: use.confidence for use in report.plans[0].columns}["code"] == 1.0


def test_several_files_by_pattern_are_one_catalog(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,title\n1,a\n")
    (tmp_path / "b.csv").write_text("id,title\n2,b\n")
    table, report = read_catalog([CatalogSource("*.csv")], tmp_path)
    assert (table["product_id"].to_pylist(), len(report.plans)) == (["1", "2"], 2)


# ---------------------------------------------------------------- bad input
def test_repeated_ids_are_folded_and_the_longest_row_kept(tmp_path: Path) -> None:
    content = "id,title,description\n1,a,short\n2,b,x\n1,a,much longer\n1,a,mid\n"
    catalog, report = shelve(tmp_path, "feed.csv", content)
    assert (catalog.ids, report.duplicates) == (("1", "2"), 2)
    assert catalog.product("1").description == "much longer"


def test_rows_without_id_or_title_are_set_aside_with_file_and_line(tmp_path: Path) -> None:
    _, report = shelve(tmp_path, "feed.csv", "id,title\n1,a\n,b\n3,\n")
    found = [(one.reason, one.file, one.line) for one in report.reading.examples]
    assert found == [("no product id", "feed.csv", 3), ("no title", "feed.csv", 4)]
    assert report.reading.rows_kept == 1


def test_texts_are_cleaned_at_the_edge(tmp_path: Path) -> None:
    content = "id,title,description\n1,5&quot; Pipe\u200b,<p>Don&#39;t   bend</p>\n2,30å¡ Elbow,âTestâ\n"
    catalog, _ = shelve(tmp_path, "feed.csv", content)
    assert (catalog.product("1").title, catalog.product("1").description) == ('5" Pipe', "Don't bend")
    assert catalog.product("2").title == "30° Elbow"


def test_latin_1_bytes_are_read(tmp_path: Path) -> None:
    catalog, report = shelve(tmp_path, "feed.csv", "id,title\n1,Crème brûlée dish\n".encode("latin-1"))
    assert catalog.product("1").title == "Crème brûlée dish"
    assert report.reading.foreign_encoding == {"feed.csv"}


def test_a_feed_without_a_needed_column_says_which_columns_it_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column that looks like the title\. Its columns: id, colour\."):
        shelve(tmp_path, "feed.csv", "id,colour\n1,red\n")


def test_a_catalog_without_any_product_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no product: 2 rows read, set aside: \{'no title': 2\}"):
        shelve(tmp_path, "feed.csv", "id,title\n1,\n2,\n")


def test_wrong_names_in_the_settings_are_said_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no column 'titel' for title\. Did you mean 'title'"):
        shelve(tmp_path, "feed.csv", "id,title\n1,a\n", CatalogSource("feed.csv", columns={"title": "titel"}))
    with pytest.raises(ConfigError, match=r"name the role 'tittle'\. Did you mean 'title'"):
        shelve(tmp_path, "feed.csv", "id,title\n1,a\n", CatalogSource("feed.csv", columns={"tittle": "title"}))
    with pytest.raises(InputError, match=r"No file fits '\*\.tsv'"):
        read_catalog([CatalogSource("*.tsv")], tmp_path)


# ---------------------------------------------------------------- values
@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("25.00 USD", (25.0, "USD")),
        ("$1,299.00", (1299.0, "USD")),
        ("1.299,00 €", (1299.0, "EUR")),
        ("12,5", (12.5, "")),
        ("1 299", (1299.0, "")),
        ("£3", (3.0, "GBP")),
        ("call us", (None, "")),
        ("", (None, "")),
    ],
)
def test_prices(text: str, price: tuple[float | None, str]) -> None:
    assert parse_price(text) == price


@given(st.decimals(0, 999_999, places=2))
def test_a_written_price_is_read_back(amount: object) -> None:
    assert parse_price(f"{amount} EUR") == (float(str(amount)), "EUR")
    assert parse_price(f"${amount:,}")[0] == float(str(amount))


def test_category_paths_and_attribute_lists() -> None:
    assert category_path(["Home / Garden / Hoses"]) == ("Home", "Garden", "Hoses")
    assert category_path(["A > B/C > D"]) == ("A", "B/C", "D")
    assert category_path(["food", "missing"]) == ("food",)
    assert list(parse_features("a:1|b|c: x:y |d:n/a")) == [("a", "1"), ("c", "x:y")]
    assert list(parse_details("G:Fit:slim, tapered,G:Care:cold")) == [("fit", "slim, tapered"), ("care", "cold")]
    assert list(parse_details('{"name": "Fit", "value": ["slim", "long"]}')) == [("fit", "slim"), ("fit", "long")]
    assert list(parse_details('[{"name": "Fit", "value": "slim"}, 7]')) == [("fit", "slim")]
    assert list(parse_details('{"name": "Fit')) == []


def test_column_names_are_compared_without_case_and_signs() -> None:
    assert {column_key(name) for name in ("Product Type", "product_type", "g:product-type", "PRODUCT TYPE ")} == {
        "product_type"
    }


# ---------------------------------------------------------------- the loaded catalog
def test_a_saved_catalog_is_loaded_as_it_was(tmp_path: Path) -> None:
    catalog, _ = shelve(tmp_path, "feed.tsv", MERCHANT)
    catalog.save(tmp_path)
    loaded = Catalog.load(tmp_path)
    assert loaded.table.equals(catalog.table)
    assert [loaded.at(row) for row in range(len(loaded))] == [catalog.product(key) for key in catalog.ids]
    assert "A1" in loaded
    assert "A2" not in loaded


def test_an_unknown_product_and_a_damaged_catalog_say_so(tmp_path: Path) -> None:
    catalog, _ = shelve(tmp_path, "feed.tsv", MERCHANT)
    with pytest.raises(InputError, match="no product 'B7' among its 1"):
        catalog.product("B7")
    with pytest.raises(ArtifactError, match=r"products\.parquet is missing or damaged"):
        Catalog.load(tmp_path)
    (tmp_path / "products.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match=r"products\.parquet is missing or damaged"):
        Catalog.load(tmp_path)


def test_the_plan_says_every_column_once(tmp_path: Path) -> None:
    (tmp_path / "feed.tsv").write_text(MERCHANT)
    plan = recognize_catalog(tmp_path / "feed.tsv")
    assert sorted(use.column for use in plan.columns) == sorted(MERCHANT.split("\n", maxsplit=1)[0].split("\t"))
    assert next(use.example for use in plan.columns if use.use == "brand") == "Walkwell"
