"""The rules of consent as Postgres holds them, whoever writes and by whatever means, from the first day on.

`testimonials_refusals` names every rule that a row would break: the trigger refuses by the first, forms tell them all. What is
only tried out (newsroom/proposals.py) is let be: it is never kept, and asked again when it is made.
"""

# `was` is the row before, or NULL: what was published before this register stays public without a record, and no longer.
REFUSALS = """
CREATE FUNCTION testimonials_ceiling(risk text) RETURNS interval LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE risk WHEN 'low' THEN interval '24 months' WHEN 'high' THEN interval '6 months' ELSE interval '12 months' END
$$;
CREATE FUNCTION testimonials_months_later(since timestamptz, term interval) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT (since AT TIME ZONE 'UTC' + term) AT TIME ZONE 'UTC'
$$;
CREATE FUNCTION testimonials_ends(consent testimonials_consent) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT consent.expires_on::timestamp AT TIME ZONE 'UTC'
$$;
CREATE FUNCTION testimonials_consent_until(consent testimonials_consent, risk text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT least(consent.withdrawn_at, public.testimonials_ends(consent),
                 public.testimonials_months_later(coalesce(consent.given_at, consent.registered_at),
                                                  public.testimonials_ceiling(risk)))
$$;
CREATE FUNCTION testimonials_refusals(one testimonials_testimonial, was testimonials_testimonial)
RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
    consent public.testimonials_consent;
    of_minor boolean := EXISTS (SELECT FROM public.testimonials_contributor WHERE id = one.contributor_id AND age = 'minor');
    is_known boolean;
    is_held boolean;
    texts jsonb := (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each_text(to_jsonb(one))
                    WHERE key ~ '^(slug|quote|words|story_|shown_as|portrait_alt)' AND key <> 'quote_language'
                      AND coalesce(value, '') <> '');
    region public.regions_region;
BEGIN
    IF one.erased_at IS NOT NULL THEN
        IF (texts - 'slug') <> '{}' OR one.portrait <> '' OR one.contributor_id IS NOT NULL OR one.consent_id IS NOT NULL
           OR one.slug <> 'erased-' || one.id THEN
            RETURN NEXT 'testimonials_testimonial_erased_is_empty';
        END IF;
        RETURN;
    END IF;
    IF texts ? ('words_' || one.quote_language) THEN
        RETURN NEXT 'testimonials_testimonial_quote_not_translated';
    END IF;
    IF one.status NOT IN ('submitted', 'approved', 'published') THEN
        RETURN;
    END IF;
    IF of_minor AND one.attribution NOT IN ('anonymous', 'role') THEN
        RETURN NEXT 'testimonials_testimonial_minor_unnamed';
    END IF;
    IF of_minor AND one.portrait <> '' THEN
        RETURN NEXT 'testimonials_testimonial_minor_faceless';
    END IF;
    SELECT * INTO consent FROM public.testimonials_consent WHERE id = one.consent_id;
    is_known := consent.id IS NOT NULL;
    is_held := is_known AND consent.how <> 'not_held';
    IF NOT is_known OR is_held THEN
        IF one.risk = '' OR one.assessed_at IS NULL THEN
            RETURN NEXT 'testimonials_testimonial_assessed';
        END IF;
    ELSIF was.status IS DISTINCT FROM 'published' AND EXISTS (SELECT FROM public.newsroom_register) THEN
        RETURN NEXT 'testimonials_testimonial_record_held';
    END IF;
    IF NOT is_known THEN
        RETURN NEXT 'testimonials_testimonial_has_consent';
    ELSE
        IF consent.contributor_id IS DISTINCT FROM one.contributor_id THEN
            RETURN NEXT 'testimonials_testimonial_consent_is_theirs';
        END IF;
        IF consent.withdrawn_at IS NOT NULL OR public.testimonials_ends(consent) <= statement_timestamp() THEN
            RETURN NEXT 'testimonials_testimonial_consent_lives';
        END IF;
        IF is_held AND public.testimonials_ends(consent)
                       > public.testimonials_months_later(consent.given_at, public.testimonials_ceiling(one.risk)) THEN
            RETURN NEXT 'testimonials_testimonial_consent_within_ceiling';
        END IF;
        IF one.withdrawn_at IS NOT NULL AND consent.given_at <= one.withdrawn_at THEN
            RETURN NEXT 'testimonials_testimonial_consent_after_withdrawal';
        END IF;
        IF NOT consent.scope_quote THEN
            RETURN NEXT 'testimonials_testimonial_covers_quote';
        END IF;
        IF NOT consent.scope_web THEN
            RETURN NEXT 'testimonials_testimonial_covers_web';
        END IF;
        IF NOT consent.scope_translation AND jsonb_path_exists(texts, '$.keyvalue() ? (@.key starts with "words_")') THEN
            RETURN NEXT 'testimonials_testimonial_covers_translation';
        END IF;
        IF NOT consent.scope_photo AND one.portrait <> '' THEN
            RETURN NEXT 'testimonials_testimonial_covers_photo';
        END IF;
        IF one.attribution = 'full' AND NOT consent.scope_full_name THEN
            RETURN NEXT 'testimonials_testimonial_covers_full_name';
        END IF;
        IF one.attribution = 'first_name' AND NOT (consent.scope_first_name OR consent.scope_full_name) THEN
            RETURN NEXT 'testimonials_testimonial_covers_first_name';
        END IF;
        IF one.attribution = 'role' AND NOT consent.scope_role THEN
            RETURN NEXT 'testimonials_testimonial_covers_role';
        END IF;
    END IF;
    SELECT * INTO region FROM public.regions_region WHERE id = one.region_id;
    IF region.kind = 'country' THEN
        RETURN;
    ELSIF one.place_precision = 'region' THEN
        IF is_known AND NOT consent.scope_province THEN
            RETURN NEXT 'testimonials_testimonial_covers_province';
        END IF;
    ELSIF EXISTS (
        SELECT FROM jsonb_each_text(to_jsonb(region)) AS name, jsonb_each_text(texts) AS said
        WHERE (name.key LIKE 'name\\_%' OR name.key = 'slug') AND name.value <> ''
          AND regexp_replace(lower(said.value), '[^[:alnum:]]+', ' ', 'g')
              LIKE '%' || regexp_replace(lower(name.value), '[^[:alnum:]]+', ' ', 'g') || '%'
    ) THEN
        RETURN NEXT 'testimonials_testimonial_place_unsaid';
    END IF;
END
$$;
"""
NO_REFUSALS = """
DROP FUNCTION testimonials_refusals(testimonials_testimonial, testimonials_testimonial);
DROP FUNCTION testimonials_consent_until(testimonials_consent, text);
DROP FUNCTION testimonials_ends(testimonials_consent);
DROP FUNCTION testimonials_months_later(timestamptz, interval);
DROP FUNCTION testimonials_ceiling(text);
"""

TESTIMONIAL = """
CREATE FUNCTION testimonials_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    apart text[] := ARRAY['status_by_id', 'status_at', 'approved_by_id', 'authors', 'translated_from', 'changed_at',
                          'consent_until', 'withdrawn_at'] || ARRAY(
        SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = TG_RELID AND attgenerated <> '');
    judged text[] := ARRAY['risk', 'self_incriminating', 'armed_group', 'sexual_violence', 'child_labour', 'accuses_person',
                           'whistleblowing', 'health'];
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb;
    is_judged boolean;
    actor bigint := nullif(current_setting('itsci.actor', true), '')::bigint;
    why text;
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.erased_at IS NOT NULL
       AND (TG_OP = 'DELETE' OR (before - apart) <> (to_jsonb(NEW) - apart)) THEN
        RAISE EXCEPTION 'what was erased stays erased, with who did it and when'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'testimonials_testimonial_erased_stays';
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    after := to_jsonb(NEW);
    is_judged := EXISTS (SELECT FROM unnest(judged) AS key WHERE before->key IS DISTINCT FROM after->key);
    IF NEW.risk = '' THEN
        NEW.assessed_by_id := NULL;
        NEW.assessed_at := NULL;
    ELSIF is_judged AND actor IS NOT NULL AND after->'assessed_at' = coalesce(before->'assessed_at', 'null') THEN
        NEW.assessed_by_id := actor;
        NEW.assessed_at := statement_timestamp();
    ELSIF NOT is_judged AND coalesce(NEW.assessed_at, '-infinity') < OLD.assessed_at THEN
        NEW.assessed_by_id := OLD.assessed_by_id;
        NEW.assessed_at := OLD.assessed_at;
    END IF;
    NEW.withdrawn_at := CASE
        WHEN NEW.status = 'withdrawn' AND before->>'status' IS DISTINCT FROM 'withdrawn' THEN statement_timestamp()
        ELSE (before->>'withdrawn_at')::timestamptz END;
    NEW.consent_until := (SELECT public.testimonials_consent_until(consent, NEW.risk)
                          FROM public.testimonials_consent AS consent WHERE id = NEW.consent_id);
    IF current_setting('itsci.what_if', true) = 'on' THEN
        IF NEW.status = 'published' AND before->>'status' <> 'published' THEN
            NEW.consent_until := '9999-01-01';  -- the last that Python knows
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' OR (before - apart) <> (to_jsonb(NEW) - apart) THEN
        FOR why IN SELECT * FROM public.testimonials_refusals(NEW, CASE WHEN TG_OP = 'UPDATE' THEN OLD END) LOOP
            PERFORM public.newsroom_refuse(format('testimonial %s: %s', NEW.id, why), why);
        END LOOP;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER testimonials_rules BEFORE INSERT OR UPDATE OR DELETE ON testimonials_testimonial
    FOR EACH ROW EXECUTE FUNCTION testimonials_rules();
"""
NO_TESTIMONIAL = """
DROP TRIGGER testimonials_rules ON testimonials_testimonial;
DROP FUNCTION testimonials_rules();
"""

CONSENT = """
CREATE FUNCTION testimonials_consent_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz := coalesce(NEW.given_at, NEW.registered_at);
    scope text;
BEGIN
    IF NEW.expires_on IS NULL THEN
        NEW.expires_on := (public.testimonials_months_later(since, interval '12 months') AT TIME ZONE 'UTC')::date;
    END IF;
    IF NEW.how = 'not_held' AND (TG_OP = 'INSERT' OR OLD.how <> 'not_held')
       AND EXISTS (SELECT FROM public.newsroom_register) THEN
        RAISE EXCEPTION 'from the opening of the register on every consent has its record'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'testimonials_consent_record_held';
    END IF;
    IF NEW.given_at > statement_timestamp() OR NEW.withdrawn_at > statement_timestamp() THEN
        RAISE EXCEPTION 'nobody agrees or withdraws in the future'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'testimonials_consent_not_ahead';
    END IF;
    IF public.testimonials_ends(NEW) <= since THEN
        RAISE EXCEPTION 'a consent ends after it was given'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'testimonials_consent_ends_later';
    END IF;
    IF public.testimonials_ends(NEW) > public.testimonials_months_later(since, interval '24 months') THEN
        RAISE EXCEPTION 'a consent lasts 24 months at most'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'testimonials_consent_not_forever';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.withdrawn_at IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
            RAISE EXCEPTION 'a withdrawal is final: a return needs a new consent'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'testimonials_consent_withdrawal_is_final';
        END IF;
        IF EXISTS (SELECT FROM public.testimonials_testimonial WHERE consent_id = NEW.id
                   AND (status NOT IN ('draft', 'returned') OR withdrawn_at IS NOT NULL OR publish_at IS NOT NULL))
           AND ((NEW.contributor_id, NEW.how, NEW.given_at, NEW.taken_by_id, NEW.registered_at)
                IS DISTINCT FROM (OLD.contributor_id, OLD.how, OLD.given_at, OLD.taken_by_id, OLD.registered_at)
                OR NEW.expires_on > OLD.expires_on
                OR EXISTS (SELECT FROM jsonb_each(to_jsonb(NEW)) AS now JOIN jsonb_each(to_jsonb(OLD)) AS was USING (key)
                           WHERE key LIKE 'scope\\_%' AND now.value = 'true' AND was.value = 'false')) THEN
            RAISE EXCEPTION 'something rests on this consent: to agree to more is a new consent'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'testimonials_consent_never_widened';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER testimonials_consent_rules BEFORE INSERT OR UPDATE ON testimonials_consent
    FOR EACH ROW EXECUTE FUNCTION testimonials_consent_rules();
CREATE FUNCTION testimonials_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one public.testimonials_testimonial;
    becomes text;
BEGIN
    FOR one IN SELECT * FROM public.testimonials_testimonial
               WHERE CASE TG_TABLE_NAME WHEN 'testimonials_consent' THEN consent_id ELSE contributor_id END = NEW.id
               ORDER BY id FOR UPDATE LOOP
        becomes := one.status;
        IF one.status IN ('published', 'suspended', 'submitted', 'approved') AND to_jsonb(NEW)->>'withdrawn_at' IS NOT NULL THEN
            becomes := CASE WHEN one.status IN ('published', 'suspended') THEN 'withdrawn' ELSE 'draft' END;
        ELSIF one.status = 'published' AND EXISTS (
            SELECT FROM public.testimonials_refusals(one, one) AS why WHERE why <> 'testimonials_testimonial_consent_lives'
        ) THEN
            becomes := 'suspended';
        END IF;
        UPDATE public.testimonials_testimonial SET status = becomes,
            status_at = CASE WHEN becomes = status THEN status_at ELSE statement_timestamp() END WHERE id = one.id;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER testimonials_follow AFTER UPDATE ON testimonials_consent
    FOR EACH ROW EXECUTE FUNCTION testimonials_follow();
CREATE TRIGGER testimonials_follow AFTER UPDATE OF age ON testimonials_contributor
    FOR EACH ROW EXECUTE FUNCTION testimonials_follow();
"""
NO_CONSENT = """
DROP TRIGGER testimonials_follow ON testimonials_contributor;
DROP TRIGGER testimonials_follow ON testimonials_consent;
DROP FUNCTION testimonials_follow();
DROP TRIGGER testimonials_consent_rules ON testimonials_consent;
DROP FUNCTION testimonials_consent_rules();
"""
