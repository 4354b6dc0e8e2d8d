-- Loaded after the migrations by `supabase db reset`, and empty on purpose: an account is connected by a real login at its
-- broker (or the paper broker), which no row can replace, and a seeded credential would be a secret in a repository.
select 1 where false;
