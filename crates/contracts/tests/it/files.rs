//! Plain product CSV, as `main-flow` of the API describes it.

use contracts::Currency;
use contracts::files::{FileProduct, PlainCsv, RowError, plain_column};
use serde_json::json;

const HEADER: &str = "handle,title,description,category,brand,kind,sku,option1_name,option1_value,option2_name,option2_value,price,currency,compare_at_price,stock,image_url,attr.fabric\n";

fn read(rows: &str) -> Vec<Result<FileProduct, Vec<RowError>>> {
    let text = format!("{HEADER}{rows}");
    let file = || PlainCsv::new(text.as_bytes(), Currency::BDT).unwrap();
    file().refusing(file().apart()).collect()
}

fn places(rows: &str) -> Vec<Result<u64, Vec<(u64, String)>>> {
    let told = |errors: Vec<RowError>| errors.into_iter().map(|e| (e.line, e.column)).collect();
    read(rows).into_iter().map(|found| found.map(|p| p.line).map_err(told)).collect()
}

fn bad(line: u64, column: &str) -> Result<u64, Vec<(u64, String)>> {
    Err(vec![(line, column.to_owned())])
}

#[test]
fn rows_of_one_handle_are_one_product() {
    let found = read(
        "shirt,Red shirt,\"Soft,\nwarm\",Clothes > Shirts,Looms,physical,S-M,size,M,color,Red,1299.50,,1500,3,http://a/1.jpg,cotton\n\
         shirt,,,,,,S-L,,L,,Red,1399,USD,,0,http://a/1.jpg,\n\
         shirt,,,,,,,,,,,,,,,http://a/2.jpg,\n\
         ,,,,,,,,,,,,,,,,\n\
         book,A book,,,,digital,,,,,,5,,,,,\n",
    );
    let shirt = found[0].as_ref().unwrap();
    assert_eq!((shirt.line, shirt.handle.as_str(), shirt.variant_lines.as_slice()), (2, "shirt", [2, 4].as_slice()));
    assert_eq!(
        shirt.body,
        json!({
            "title": "Red shirt", "description": "Soft,\nwarm", "category": "Clothes > Shirts", "brand": "Looms", "kind": "physical",
            "attributes": {"fabric": "cotton"}, "handle": "shirt", "media": [{"url": "http://a/1.jpg"}, {"url": "http://a/2.jpg"}],
            "variants": [
                {"sku": "S-M", "options": {"size": "M", "color": "Red"}, "price": {"amount": 129_950, "currency": "BDT"},
                 "compareAtPrice": {"amount": 150_000, "currency": "BDT"}, "stock": [{"onHand": 3}]},
                {"sku": "S-L", "options": {"size": "L", "color": "Red"}, "price": {"amount": 139_900, "currency": "USD"}, "stock": [{"onHand": 0}]}
            ]
        })
    );
    let book = found[1].as_ref().unwrap();
    assert_eq!(book.body["variants"], json!([{"sku": "book-1", "options": {}, "price": {"amount": 500, "currency": "BDT"}}]));
    assert_eq!(found.len(), 2);
}

#[test]
fn a_bad_row_names_its_line_and_column_and_spoils_only_its_product() {
    let found = places(
        "a,A,,,,,,,,,,ten,,,,,\n\
         b,B,,,,,,,,,,5,,,1.5,,\n\
         ,C,,,,,,,,,,5,,,,,\n\
         d,,,,,,,,,,,5,,,,,\n\
         e,E,,,,shoe,,,,,,5,,,,,\n\
         f,F,,,,,,,,,,5,XXX,,,,\n\
         g,G,,,,,,,M,,,5,,,,,\n\
         h,H,,,,,,,,,,5,,,,,\n\
         h,I,,,,,h2,,,,,5,,,,,\n\
         i,I,,,,,,,,,,5,,,,,\n\
         j,J,,,,,,,,,,,,,,http://a/1.jpg,\n",
    );
    let expected = [
        bad(2, "price"),
        bad(3, "stock"),
        bad(4, "handle"),
        bad(5, "title"),
        bad(6, "kind"),
        bad(7, "currency"),
        bad(8, "option1_name"),
        bad(10, "title"),
        Ok(11),
        bad(12, "price"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_product_whose_rows_stand_apart_is_not_taken_at_all() {
    let found = places(
        "v,V,,,,,V1,,,,,1,,,,,\n\
         u,U,,,,,U1,,,,,1,,,,,\n\
         v,V,,,,,V2,,,,,1,,,,,\n\
         ,,,,,,,,,,,,,,,,\n\
         v,V,,,,,V3,,,,,1,,,,,\n\
         w,W,,,,,W1,,,,,1,,,,,\n\
         ,W,,,,,W2,,,,,1,,,,,\n\
         w,W,,,,,W3,,,,,1,,,,,\n",
    );
    assert_eq!(found, [bad(2, "handle"), Ok(3), bad(4, "handle"), bad(7, "handle"), bad(8, "handle"), bad(9, "handle")]);
    let said = read("v,V,,,,,V1,,,,,1,,,,,\nu,U,,,,,U1,,,,,1,,,,,\nv,V,,,,,V2,,,,,1,,,,,\n").remove(2).unwrap_err().remove(0).reason;
    assert!(said.contains("line 2") && said.contains("line 4"), "{said}");
}

#[test]
fn text_that_is_not_utf8_spoils_only_its_product() {
    let mut text = b"handle,title,price\na,A,5\nb,B".to_vec();
    text.push(0xff);
    text.extend(b",5\nc,C,5\n");
    let found: Vec<_> = PlainCsv::new(text.as_slice(), Currency::BDT).unwrap().collect();
    assert_eq!(found.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(found[1], Err(vec![RowError::new(3, "title", "the text is not UTF-8")]));
}

#[test]
fn a_row_with_more_cells_than_columns_spoils_its_product() {
    let text = "handle,title,price\na,A,1,299\nb,B,5,\nb,,6,, \nc,C,5\nc,,6,x\n";
    let found: Vec<_> =
        PlainCsv::new(text.as_bytes(), Currency::BDT).unwrap().map(|f| f.map(|p| p.line).map_err(|e| (e[0].line, e.len()))).collect();
    assert_eq!(found, [Err((2, 1)), Ok(3), Err((6, 1))]);
}

#[test]
fn a_file_with_other_columns_is_refused() {
    let refused = |header: &str| PlainCsv::new(header.as_bytes(), Currency::BDT).err().map(|e| (e.line, e.column));
    assert_eq!(refused("handle,title\n"), Some((1, "price".to_owned())));
    assert_eq!(refused("handle,title,price,stok\n"), Some((1, "stok".to_owned())));
    assert_eq!(refused("handle,title,price, title\n"), Some((1, "title".to_owned())));
    assert_eq!(refused("handle,title,price,attr.\n"), Some((1, "attr.".to_owned())));
    assert_eq!(refused("\u{feff}handle, title ,price,option10_name,status,weight_grams\n"), None);
}

#[test]
fn what_is_refused_later_is_found_in_the_file_again() {
    let product = &read("a,A,,,,,s1,size,M,,,5,,,,,\na,,,,,,s2,,L,,,5,,,,,\n")[0];
    let product = product.as_ref().unwrap();
    let cases = [
        ("/variants/1/compareAtPrice/amount", 3, "compare_at_price"),
        ("/variants/0/sku", 2, "sku"),
        ("/variants/9/stock/0/onHand", 2, "stock"),
        ("/title", 2, "title"),
        ("/attributes/a~1b", 2, "attr.a/b"),
        ("/categoryIds", 2, "category"),
        ("", 2, ""),
    ];
    for (pointer, line, column) in cases {
        assert_eq!((product.line_of(pointer), plain_column(pointer).as_str()), (line, column), "{pointer}");
    }
}
