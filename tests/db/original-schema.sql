-- The accounts table of the service this project replaces, as its users have it: nullable columns, no checks, several
-- defaults possible, ciphertext readable by its owner, and the grants that projects made before 2026 got by default.
create table mt5_accounts (
  id uuid default gen_random_uuid() primary key,
  user_id uuid references auth.users (id) on delete cascade,
  account_name varchar(255) not null,
  login varchar(50) not null,
  server varchar(255) not null,
  encrypted_password text not null,
  is_active boolean default true,
  is_default boolean default false,
  broker_name varchar(255),
  account_type varchar(50) default 'demo',
  risk_limits jsonb default '{}',
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  unique (user_id, login, server)
);
create index idx_mt5_accounts_user_id on mt5_accounts (user_id);
create index idx_mt5_accounts_is_default on mt5_accounts (user_id, is_default);
alter table mt5_accounts enable row level security;
create policy "Users can view own MT5 accounts" on mt5_accounts for select using (auth.uid() = user_id);
create policy "Users can insert own MT5 accounts" on mt5_accounts for insert with check (auth.uid() = user_id);
create policy "Users can update own MT5 accounts" on mt5_accounts for update using (auth.uid() = user_id);
create policy "Users can delete own MT5 accounts" on mt5_accounts for delete using (auth.uid() = user_id);
grant all on mt5_accounts to anon, authenticated, service_role;
