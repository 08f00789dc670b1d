//! What `--help` shows behind each command: how it is used. A test reads every line that begins with `haat`.

pub(super) const HAAT: &str = "Examples:
  haat demo                                   a marketplace with goods and accounts on http://127.0.0.1:8080
  haat serve --data /var/lib/haat             the same, empty and for real
  haat import products a.csv --vendor mine    brings a shop's products in; --server: to a running one
  haat export products all.jsonl              writes them so that an import takes them again
  haat config                                 every setting, its value, and where it came from
  haat doctor                                 what is wrong here, and what to do about it
  haat openapi > openapi.json                 what generators of clients read; --collection: what Postman does
  haat top                                    what a running one does at the moment
  haat bench                                  measures complete checkouts on this machine";

pub(super) const DEMO: &str = "Examples:
  haat demo                                       goods, accounts and sixty days of orders on http://127.0.0.1:8080
  haat demo --days 0                              without orders: ready sooner
  haat demo --listen 127.0.0.1:9090 --data try    at another address, in a directory of its own";

pub(super) const SERVE: &str = "Examples:
  haat serve --data /var/lib/haat               everything in one process, on the embedded database
  haat serve --config /etc/haat.toml            with settings from a file; haat config shows them
  haat serve --only orders,payments             some services here; the others have addresses under [remotes]";

pub(super) const MIGRATE: &str = "Examples:
  haat migrate --data /var/lib/haat             before the new version is started
  haat migrate --only orders                    the schema of one service";

pub(super) const IMPORT: &str = "Examples:
  haat import products shop.csv --vendor my-shop --dry-run
  haat import orders orders.csv --source old-shop --dry-run";

pub(super) const IMPORT_PRODUCTS: &str = "Examples:
  haat import products shop.csv --vendor my-shop --dry-run --report bad.csv
      reads and checks everything, writes nothing but the rows that cannot be taken and why
  haat import products shop.csv --vendor my-shop --server http://127.0.0.1:8080 --email owner@example.com --password-file secret
      into a running server, as the store's owner or an administrator
  haat import products shop.csv --vendor my-shop --currency BDT
      brings them in; the same again goes on where it was stopped, and changes nothing that is there as it is
  zcat items.jsonl.gz | haat import products - --vendor my-shop --currency USD \\
      --map handle=id --map title=name --map priceMinor=price_in_cents --map brand=maker.name --map 'attr.*=spec_*'
      a foreign file: each --map says where a field is found; the first one that finds something counts

Plain CSV has a row per variant and these columns, of which handle, title and price are needed:
  handle,title,description,category,brand,kind,sku,option1_name,option1_value,option2_name,option2_value,
  price,currency,compare_at_price,stock,image_url,attr.<name>
JSON Lines has an object per product with the same names in camelCase, and a list of variants where there are several.
Amounts are such as 12.50; priceMinor is for whole cents.";

pub(super) const IMPORT_ORDERS: &str = "Examples:
  haat import orders orders.csv --source old-shop --dry-run --report bad.csv
      reads and checks everything, writes nothing but the rows that cannot be taken and why
  haat import orders orders.csv --source old-shop --currency BDT
      brings them in; the same again brings them up to date, by source and number
  haat import orders invoices.csv --source till --vendor my-shop --currency GBP \\
      --map number=Invoice --map placed_at=InvoiceDate --map sku=StockCode --map title=Description --map quantity=Quantity --map unit_price=UnitPrice
  haat import orders orders.csv --source old-shop --status invoiced=confirmed --status unavailable=cancelled
      what the other shop calls its states

The file has a row per line of an order, the rows of an order together, and these columns, of which number, placed_at,
quantity, unit_price, and vendor or --vendor, are needed:
  number,source,placed_at,status,email,vendor,sku,title,kind,quantity,unit_price,currency,shipping,tax,discount,tax_included,shipped_at,delivered_at
The status is confirmed, processing, shipped, delivered (where left out), returned or cancelled; an order whose quantities are
below 0 was called off. Shipping, tax and discount are those of the line; a store's part has their sums.";

pub(super) const INVENTORY: &str = "Examples:
  haat inventory repair --dry-run               says what differs, changes nothing";

pub(super) const REPAIR: &str = "Examples:
  haat inventory repair --dry-run --data /var/lib/haat
      says what differs, changes nothing; haat is stopped meanwhile
  haat inventory repair --data /var/lib/haat
      puts it right; the movements say what it was";

pub(super) const EXPORT: &str = "Examples:
  haat export products all.jsonl                every product, as an import takes them
  haat export orders orders.csv                 every order, a row per line
  haat export events events.jsonl               what happened, oldest first";

pub(super) const EXPORT_PRODUCTS: &str = "Examples:
  haat export products all.jsonl                           every product of every store
  haat import products all.jsonl --vendor-from-file        brings them in elsewhere, or again
  haat export products shop.csv --vendor my-shop --format csv
      a row per variant for a spreadsheet: attributes become words, and stock one number";

pub(super) const EXPORT_ORDERS: &str = "Examples:
  haat export orders orders.csv
  haat import orders orders.csv        brings them in elsewhere, as records";

pub(super) const EXPORT_EVENTS: &str = "Examples:
  haat export events events.jsonl
  haat export events --service orders | jq -r .type | sort | uniq -c
  haat export events events.jsonl --server http://127.0.0.1:8080 --email you@example.com --password-file secret
      from a running server, as an administrator";

pub(super) const ADMIN: &str = "Examples:
  haat admin create --email you@example.com     asks for a password";

pub(super) const CREATE: &str = "Examples:
  haat admin create --email you@example.com --data /var/lib/haat
      asks for a password and shows nothing of it; ^C leaves everything as it was
  haat admin create --email you@example.com --password-file secret
      takes the first line of a file";

pub(super) const CONFIG: &str = "Examples:
  haat config                                   every key with its value, its default and its source
  haat config --config /etc/haat.toml | grep -A 2 services.orders
      what one service reads, and from where";

pub(super) const DOCTOR: &str = "Examples:
  haat doctor --data /var/lib/haat              before the first start, and when something is odd
  haat doctor | grep BAD                        what keeps it from running; the exit status is 1 then";

pub(super) const COMPLETIONS: &str = "Examples:
  haat completions bash > /etc/bash_completion.d/haat
  haat completions zsh > ~/.zfunc/_haat";

pub(super) const SERVICES: &str = "Examples:
  haat services                                 who calls whom and reads whose events
  haat services --json | jq -r .[].name         their names";

pub(super) const OPENAPI: &str = "Examples:
  haat openapi > openapi.json                   for generators of clients
  haat openapi --collection > haat.json         for Postman
  haat openapi --profile production --url https://shop.example";

pub(super) const REPLAY: &str = "Examples:
  haat replay orders --data /var/lib/haat       while haat is stopped
  haat replay orders --server http://127.0.0.1:8080 --email you@example.com --password-file secret
      on a running server";

pub(super) const BACKUP: &str = "Examples:
  haat backup /backups/2026-01-31 --data /var/lib/haat";

pub(super) const RESTORE: &str = "Examples:
  haat restore /backups/2026-01-31 --data /var/lib/haat-new
      into an empty directory
  haat restore /backups/2026-01-31 --data /var/lib/haat --force
      in place of the database that is there; haat is stopped meanwhile";

pub(super) const TOP: &str = "Examples:
  haat top                                       of http://127.0.0.1:8080; q ends it, ? explains it
  haat top --server https://shop.example         of another machine: whatever may read its /metrics
  haat top --server http://10.0.0.7:9090         of a process without the gateway, at its internal_listen
  haat top --once | grep -A 9 Requests           looks twice, a second apart, and prints text
  haat top --once --every 10                     what happened in ten seconds";

pub(super) const BENCH: &str = "Examples:
  haat bench                                  complete checkouts, as many as 16 clients get done
  haat bench --rate 200 --report page.html    200 begin each second; a page with plots
  haat bench --mix lists --clients 32         lists of 10,000 products while stock changes, and how old they are
  haat bench --target http://127.0.0.1:8080   a server that runs already

Where no --target is named, a demo is started on an empty folder that is thrown away. Somewhere else, products are added
(browse, lists), stock is changed and orders are placed: have a copy. Nothing limits how often may be asked in the
development profile on loopback; elsewhere see services.gateway.limits.";

pub(super) const SIM: &str = "Examples:
  haat sim                                      a hundred seeds
  haat sim --seeds 0..500 --threads 4           as many as the tests run
  haat sim --seeds 42..43 --trace               one seed, event by event
  haat sim --seeds 42..43 --log kit=debug       and what the services say of it";
