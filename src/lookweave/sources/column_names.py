"""The names that columns of manifests go by: one table, in six languages.

`docs/catalogues.md` prints it. Names are compared without regard to case, accents, spaces and
punctuation (`columns.plain_name`), so ``Größe`` is ``grosse`` here.
"""

from __future__ import annotations

from collections.abc import Mapping


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


LANGUAGES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian",
    "nl": "Dutch",
}  # fmt: skip

PICTURES: dict[str, dict[str, str]] = {
    "image": {
        "en": "path file file_path filepath file_name filename image image_path image_file "
        "image_filename image_name img img_path img_file photo photo_path photo_file "
        "photo_filename picture picture_path picture_file main_image main_picture main_photo "
        "base_image primary_image featured_image cover_image product_image product_photo "
        "product_picture front_image front image_url photo_url img_url picture_url image_link "
        "photo_link picture_link image_src img_src image_address main_image_url "
        "main_image_link product_image_url product_image_link featured_image_url "
        "base_image_url primary_image_url image_uri image_1 images photos pictures image_paths "
        "image_urls image_links image_files photo_urls picture_urls product_images",
        "de": "bild bilddatei bildpfad bildname bilddateiname dateiname datei dateipfad pfad "
        "foto fotodatei fotopfad abbildung hauptbild produktbild artikelbild bild_url bildurl "
        "bildlink bild_link bildadresse foto_url bilder fotos produktbilder",
        "fr": "fichier nom_fichier nom_du_fichier chemin chemin_image image_principale "
        "photo_principale visuel image_produit photo_produit url_image url_photo lien_image "
        "lien_photo url_de_l_image visuels",
        "es": "imagen archivo nombre_archivo nombre_de_archivo fichero ruta ruta_imagen foto "
        "imagen_principal foto_principal imagen_producto url_imagen url_de_imagen enlace_imagen "
        "imagenes",
        "it": "immagine nome_file percorso percorso_immagine immagine_principale "
        "foto_principale foto_prodotto immagine_prodotto url_immagine link_immagine immagini",
        "nl": "afbeelding bestand bestandsnaam pad afbeeldingspad hoofdafbeelding hoofdfoto "
        "productafbeelding productfoto url_afbeelding afbeelding_url afbeelding_link foto_s "
        "afbeeldingen",
    },
    "variant_image": {"en": "variant_image variant_image_url variant_image_src"},
    "smaller_image": {
        "en": "small_image thumbnail_image thumbnail thumbnail_url thumb thumb_url "
        "small_image_url preview preview_image preview_url",
        "de": "vorschaubild miniaturbild",
        "fr": "vignette miniature",
        "es": "miniatura",
        "it": "anteprima",
        "nl": "miniatuur",
    },
    "additional_image": {
        "en": "additional_image additional_images additional_image_link additional_image_links "
        "additional_image_url additional_image_urls other_image other_images other_image_url "
        "more_images extra_image extra_images secondary_image back_image back_image_url side_image "
        "detail_image hover_image alternate_image alternate_images alternative_image "
        "alternative_images gallery gallery_image gallery_images image_gallery media_gallery "
        "additional_photos other_photos",
        "de": "weitere_bilder weiteres_bild zusatzbild zusatzbilder zusaetzliche_bilder "
        "zusatzliche_bilder bildergalerie galerie rueckansicht ruckansicht detailbild",
        "fr": "autres_images images_supplementaires images_additionnelles autres_photos "
        "photos_supplementaires lien_image_supplementaire galerie_images",
        "es": "imagenes_adicionales otras_imagenes imagen_adicional enlace_imagen_adicional "
        "galeria",
        "it": "immagini_aggiuntive altre_immagini immagine_aggiuntiva link_immagine_aggiuntiva "
        "galleria",
        "nl": "extra_afbeelding extra_afbeeldingen extra_foto_s andere_afbeeldingen "
        "aanvullende_afbeeldingen galerij",
    },
    "swatch_image": {
        "en": "swatch swatch_image swatch_url swatch_image_url swatch_link colour_swatch "
        "color_swatch",
        "de": "farbmuster stoffmuster musterbild",
        "fr": "echantillon nuancier",
        "es": "muestra muestra_color",
        "it": "campione campione_colore",
        "nl": "kleurstaal stofstaal",
    },
    "worn_image": {
        "en": "worn_image worn model_image model_photo on_model on_model_image on_figure_image "
        "lifestyle_image lifestyle_image_link lifestyle_image_url lifestyle_images outfit_image "
        "styled_image",
        "de": "modelbild model_foto getragen tragebild outfitbild",
        "fr": "photo_portee porte image_portee photo_mannequin",
        "es": "foto_modelo imagen_modelo foto_puesta",
        "it": "foto_indossata immagine_indossata indossato",
        "nl": "modelfoto gedragen_foto",
    },
}
"""Columns that name pictures, by what they show; likeliest first."""

PLURALS = words(
    """
    images photos pictures image_paths image_urls image_links image_files photo_urls
    picture_urls product_images bilder fotos produktbilder visuels imagenes immagini
    afbeeldingen foto_s
    """
)
"""Names that are made for several pictures: those without a suffix are split at commas too."""

PICTURES_ALONE = ("url", "link", "src", "address", "name")
"""Columns that name the picture only where none of `PICTURES` is there: beside one, ``url`` is
the page of the article and ``name`` its title."""

FIELDS: dict[str, dict[str, str]] = {
    "sku": {
        "en": "sku variant_sku product_sku item_sku article_number article_no article_nr "
        "article_id article_code article item_number item_no item_id item_code product_number "
        "product_no product_code stock_code identifier reference ref ref_no mpn id product_id code",
        "de": "artikelnummer artikel_nummer artikelnr artikel_nr art_nr artnr artikel_id artikel "
        "bestellnummer bestellnr produktnummer produkt_nr materialnummer",
        "fr": "reference_article reference_produit numero_article numero_d_article code_article "
        "code_produit",
        "es": "referencia codigo_articulo codigo_de_articulo numero_articulo numero_de_articulo "
        "codigo_producto codigo articulo",
        "it": "codice codice_articolo codice_prodotto numero_articolo riferimento articolo",
        "nl": "artikel_code artikelcode artikelnr productcode productnummer bestelnummer",
    },
    "gtin": {
        "en": "gtin gtin13 gtin_13 gtin14 ean ean13 ean_13 ean_code upc upc_code barcode "
        "bar_code variant_barcode isbn gtin_upc_ean_or_isbn global_unique_id",
        "de": "strichcode gtin_ean ean_nummer",
        "fr": "code_barres code_barre code_ean gencod",
        "es": "codigo_de_barras codigo_barras codigo_ean",
        "it": "codice_a_barre codice_ean",
        "nl": "streepjescode",
    },
    "title": {
        "en": "title product_title product_name item_name item_title article_name name label "
        "caption",
        "de": "bezeichnung artikelbezeichnung produktbezeichnung produktname artikelname titel "
        "produkttitel",
        "fr": "titre nom nom_du_produit nom_produit designation libelle intitule",
        "es": "titulo nombre nombre_producto nombre_del_producto denominacion",
        "it": "titolo nome nome_prodotto nome_del_prodotto denominazione",
        "nl": "naam productnaam artikelnaam benaming producttitel",
    },
    "brand": {
        "en": "brand brand_name brands vendor designer house maker manufacturer",
        "de": "marke markenname hersteller",
        "fr": "marque fabricant",
        "es": "marca fabricante",
        "it": "marchio produttore",
        "nl": "merk merknaam fabrikant",
    },
    "style": {
        "en": "item_group_id group_id parent parent_sku parent_id parent_code style style_id "
        "style_no style_number style_code style_name product product_group handle model "
        "model_id model_code model_number product_id",
        "de": "modell modellnummer modell_nr elternartikel vaterartikel hauptartikel "
        "hauptartikelnummer produkt",
        "fr": "modele sku_parent reference_parent produit",
        "es": "modelo sku_padre referencia_padre producto",
        "it": "modello sku_padre articolo_padre prodotto",
        "nl": "hoofdartikel modelnummer",
    },
    "colour": {
        "en": "colour color colour_name color_name main_colour main_color colorway colourway",
        "de": "farbe farbname farbbezeichnung grundfarbe",
        "fr": "couleur coloris",
        "es": "color_principal",
        "it": "colore",
        "nl": "kleur kleurnaam",
    },
    "size": {
        "en": "size size_name size_label",
        "de": "grosse groesse konfektionsgrosse konfektionsgroesse",
        "fr": "taille pointure",
        "es": "talla tamano",
        "it": "taglia misura",
        "nl": "maat",
    },
    "category": {
        "en": "category categories product_category product_type type family "
        "google_product_category department",
        "de": "kategorie kategorien warengruppe produkttyp produktgruppe artikelgruppe",
        "fr": "categorie famille type_de_produit rayon",
        "es": "categoria familia tipo tipo_de_producto",
        "it": "categorie tipo_prodotto tipo_di_prodotto",
        "nl": "productgroep productsoort soort",
    },
    "price": {
        "en": "price variant_price regular_price price_amount list_price retail_price",
        "de": "preis verkaufspreis vk_preis bruttopreis",
        "fr": "prix prix_de_vente prix_ttc",
        "es": "precio precio_de_venta pvp",
        "it": "prezzo prezzo_di_vendita",
        "nl": "prijs verkoopprijs",
    },
    "currency": {
        "en": "currency currency_code price_currency",
        "de": "wahrung waehrung",
        "fr": "devise monnaie",
        "es": "moneda divisa",
        "it": "valuta",
        "nl": "munteenheid",
    },
    "url": {
        "en": "url link product_url product_link page page_url permalink external_url credit_url",
        "de": "produktlink produkt_url artikel_url",
        "fr": "lien lien_produit url_produit",
        "es": "enlace enlace_producto url_producto",
        "it": "link_prodotto url_prodotto",
        "nl": "productlink",
    },
    "season": {
        "en": "season collection",
        "de": "saison kollektion",
        "fr": "collection",
        "es": "temporada coleccion",
        "it": "stagione collezione",
        "nl": "seizoen collectie",
    },
    "photographer": {
        "en": "photographer photo_credit photography photo_by",
        "de": "fotograf fotografin",
        "fr": "photographe",
        "es": "fotografo fotografa",
        "it": "fotografa",
        "nl": "fotograaf",
    },
    "shoot": {
        "en": "shoot shoot_id shoot_name editorial campaign story",
        "de": "kampagne strecke fotostrecke",
        "fr": "campagne seance serie",
        "es": "campana sesion editorial_de_moda",
        "it": "campagna servizio",
        "nl": "fotoshoot",
    },
}
"""Columns that hold facts, by the attribute of `ProductFacts` or `LookFacts`; likeliest first."""

KIND_FIELDS = {
    "garment": (
        "sku", "gtin", "title", "brand", "style", "colour", "size", "category", "price",
        "currency", "url",
    ),
    "look": ("title", "brand", "season", "photographer", "shoot", "url"),
}  # fmt: skip

RIGHTS: dict[str, dict[str, str]] = {
    "rights": {
        "en": "rights usage_rights use_rights rights_statement rights_status rights_notice "
        "rights_url rights_uri rights_info rights_usage rights_usage_terms rights_text "
        "rights_note rights_notes access_rights license licence license_url licence_url "
        "license_uri licence_uri license_link licence_link license_name licence_name "
        "license_id licence_id license_type licence_type license_text licence_text "
        "license_terms licence_terms license_status licence_status license_info licence_info "
        "license_code licence_code licensing copyright copyright_notice copyright_status "
        "copyright_info copyright_statement copyright_text copyright_terms copyrights usage "
        "usage_terms usage_terms_url usage_restrictions usage_restriction usage_status usage_notes "
        "terms terms_of_use conditions_of_use use_terms use_restrictions restrictions "
        "web_statement webstatement "
        "permission permissions permitted publishable publication_rights publishing_rights "
        "publication_allowed publication_permission may_publish can_publish may_be_published "
        "reuse re_use reusable redistribution redistributable clearance cleared rights_cleared "
        "model_release release_status release_signed consent reproduction_rights spdx "
        "spdx_id spdx_license_identifier",
        "de": "rechte nutzungsrecht nutzungsrechte bildrecht bildrechte urheberrecht "
        "urheberrechte lizenz lizenz_url lizenzname lizenztyp lizenzlink "
        "nutzungsbedingungen nutzung verwendungsrechte "
        "veroffentlichungsrechte veroeffentlichungsrechte freigabe freigegeben genehmigung "
        "einwilligung",
        "fr": "droits droits_de_reproduction droits_de_diffusion droits_utilisation "
        "droits_d_utilisation droits_d_usage droits_image "
        "droits_d_auteur conditions_utilisation conditions_d_utilisation autorisation "
        "mention_legale mentions_legales",
        "es": "derechos derechos_de_uso derechos_uso derechos_de_imagen derechos_de_autor "
        "licencia licencia_url tipo_de_licencia condiciones_de_uso autorizacion permiso",
        "it": "diritti diritti_d_uso diritti_di_utilizzo diritti_d_autore diritti_immagine "
        "licenza licenza_url tipo_di_licenza condizioni_d_uso autorizzazione permesso liberatoria",
        "nl": "rechten gebruiksrechten beeldrechten auteursrecht auteursrechten licentie "
        "licentie_url licentienaam gebruiksvoorwaarden toestemming",
    },
    "restricted": {
        "en": "restricted confidential internal internal_only internal_use internal_use_only "
        "private editorial_only editorial_use_only all_rights_reserved rights_managed "
        "not_for_publication non_commercial personal_use_only no_redistribution copyrighted nda "
        "under_nda no_reuse",
        "de": "vertraulich intern nur_intern alle_rechte_vorbehalten",
        "fr": "confidentiel usage_interne tous_droits_reserves",
        "es": "confidencial uso_interno todos_los_derechos_reservados",
        "it": "riservato uso_interno tutti_i_diritti_riservati",
        "nl": "vertrouwelijk alleen_intern alle_rechten_voorbehouden",
    },
    "taken_down": {
        "en": "taken_down takedown take_down takedowns takedown_date take_down_date taken_down_at "
        "taken_down_on taken_down_date takedown_at takedown_on takedown_status takedown_request "
        "takedown_requested takedown_reason taken_down_reason removed removed_at removed_on "
        "removed_date removal removal_date removal_request removal_requested remove "
        "withdrawn withdraw withdrawn_at withdrawn_on withdrawn_date withdrawal withdrawal_date "
        "deleted deleted_at deleted_on deleted_date delete deletion_date unpublish unpublished "
        "unpublished_at unpublish_at unpublish_on unpublish_date do_not_publish dont_publish "
        "don_t_publish no_publish no_publication never_publish do_not_use dont_use do_not_show "
        "do_not_distribute do_not_share noindex opt_out opted_out optout opt_out_at opt_out_date "
        "revoked revoked_at revoked_on retracted retracted_at retraction recalled blocked "
        "blocked_at banned suppressed suppress hidden hide dmca dmca_takedown legal_hold "
        "consent_withdrawn consent_revoked permission_withdrawn permission_revoked takendown "
        "taken_offline taken_offline_at pulled pulled_at pulled_on depublished depublished_at "
        "quarantined quarantined_at on_hold cease_and_desist erasure_request gdpr_request "
        "gdpr_removal gdpr_erasure privacy_request not_for_web killed",
        "de": "gesperrt sperre gesperrt_am zuruckgezogen zurueckgezogen zuruckgezogen_am "
        "zurueckgezogen_am entfernt entfernt_am geloscht geloescht geloscht_am geloescht_am "
        "widerrufen widerrufen_am nicht_veroffentlichen nicht_veroeffentlichen "
        "nicht_verwenden offline depubliziert sperrvermerk sperrdatum sperrung loschung "
        "loeschung loschdatum loeschdatum",
        "fr": "retire retire_le retrait date_de_retrait supprime supprime_le ne_pas_publier "
        "ne_pas_utiliser depublie depublie_le revoque bloque masque",
        "es": "retirado retirada fecha_de_retirada eliminado borrado no_publicar no_usar revocado "
        "despublicado retirado_el eliminado_el bloqueado",
        "it": "ritirato ritirata data_ritiro rimosso rimossa eliminata cancellato "
        "non_pubblicare non_usare revocata ritirato_il rimosso_il eliminato_il bloccato",
        "nl": "ingetrokken teruggetrokken verwijderd verwijderd_op niet_publiceren "
        "niet_gebruiken geblokkeerd",
    },
    "published": {
        "en": "published is_published publish active is_active enabled is_enabled online "
        "product_online is_online visible is_visible live is_live publish_allowed "
        "published_on_website usable can_be_used ok_to_publish ok_to_use approved is_approved "
        "approved_for_publication approved_for_web web_ok public is_public",
        "de": "veroffentlicht veroeffentlicht aktiv sichtbar veroffentlichen veroeffentlichen",
        "fr": "publie actif visible_en_ligne en_ligne",
        "es": "publicado activo publicar",
        "it": "pubblicato attivo pubblicare",
        "nl": "gepubliceerd actief zichtbaar publiceren",
    },
    "status": {
        "en": "status product_status publication_status publish_status photo_status",
        "de": "zustand veroffentlichungsstatus veroeffentlichungsstatus",
        "fr": "statut etat",
        "es": "estado",
        "it": "stato",
        "nl": "toestand",
    },
    "expires": {
        "en": "rights_expire rights_expiry rights_expires rights_expire_on rights_expiry_date "
        "rights_end rights_end_date rights_until rights_valid_until license_expires "
        "licence_expires license_expiry licence_expiry license_expiry_date licence_expiry_date "
        "license_end licence_end license_end_date licence_end_date license_until licence_until "
        "license_valid_until licence_valid_until usage_until usage_end usage_end_date "
        "usage_rights_until usage_rights_end usage_expires usage_expiry use_until publish_until "
        "publication_end permission_expires consent_expires copyright_expires "
        "usage_rights_expiration usage_rights_expiry rights_expiration rights_expiration_date "
        "license_expiration license_expiration_date licence_expiration licence_expiration_date "
        "rights_expiry_on do_not_use_after not_after",
        "de": "nutzungsrecht_bis nutzungsrechte_bis bildrechte_bis nutzung_bis rechte_bis "
        "lizenz_bis lizenzende veroffentlichung_bis veroeffentlichung_bis",
        "fr": "droits_jusqu_au fin_des_droits fin_de_licence licence_jusqu_au",
        "es": "derechos_hasta fin_de_derechos licencia_hasta fin_de_licencia",
        "it": "diritti_fino_al scadenza_diritti scadenza_licenza",
        "nl": "rechten_tot licentie_tot gebruik_tot",
    },
    "embargo": {
        "en": "embargo embargo_until embargoed_until embargo_date embargo_end under_embargo "
        "embargoed publish_from publish_after not_before",
        "de": "sperrfrist sperrfrist_bis",
        "fr": "embargo_jusqu_au",
        "es": "embargo_hasta",
        "it": "embargo_fino_al",
        "nl": "embargo_tot",
    },
}
"""Columns that say whether the photo may go out, by how their cells are read
(`catalogue.row_says`). Every one of them counts."""

NOT_RIGHTS = words(
    """
    backorders_allowed allow_backorders allow_customer_reviews download_expiry_days
    rights_holder rights_holders rights_owner copyright_holder copyright_owner
    copyright_year license_holder licence_holder license_number licence_number rightsholder
    credit credits credit_line creditline photo_credit image_credit rechteinhaber urheber
    detenteur_des_droits titolare_dei_diritti titular_de_derechos publication
    publication_date publish_date published_at published_on published_date date_published
    publisher release_date released_at released release_year usage_count terms_accepted
    hidden_price price_terms payment_terms shipping_terms delete_after_import copyright_date
    date_removed_from_stock licensee licensor published_scope visibility
    visibility_in_catalog
    """
)
"""Names that sound like rights and say whose they are, or when something came out."""

LAYOUT: dict[str, str] = {
    "picture_position": "image_position",
    "children": "configurable_variations",
    "attributes": "additional_attributes",
    "store_view": "store_view_code",
    "number": "id",
}
"""Columns of known exports that say how rows belong together."""

KNOWN_ASIDE = words(
    """
    description short_description body_html body html_body meta_title meta_description
    meta_keyword meta_keywords tags tag image_alt_text image_width image_height gender
    age_group condition availability stock stock_status qty quantity in_stock is_in_stock
    tax_class tax_class_name tax_status weight length width height sale_price special_price
    cost cost_per_item compare_at_price variant_compare_at_price material materials pattern
    composition shipping product_websites attribute_set_code base_image_label
    small_image_label thumbnail_image_label swatch_image_label additional_image_labels
    beschreibung kurzbeschreibung material_zusammensetzung geschlecht bestand
    description_courte descripcion descrizione omschrijving groups is_featured created_at
    updated_at title_tag body_text notes comment comments
    """
)
"""Columns that are kept as they are; naming them as not understood would help nobody."""

CURRENCIES = words(
    """
    aed ars aud bgn brl cad chf clp cny cop czk dkk egp eur gbp hkd huf idr ils inr isk jpy
    krw mad mxn myr nok nzd pen php pln ron rsd rub sar sek sgd thb try twd uah usd vnd zar
    """
)


def names(said: Mapping[str, str]) -> list[str]:
    """The names of one field, all languages together, likeliest first."""
    return list(dict.fromkeys(name for text in said.values() for name in text.split()))
